import { droppedFiles } from "./dropped-files.ts";
import type { NamedFiles } from "./photo-class.ts";

/** Makes an element take dropped files, and shows while something is held over it that it does. */
export function dropTarget(target: HTMLElement, onDrop: (groups: readonly NamedFiles[]) => void): void {
  let depth = 0; // a child that is entered is told before its parent is left
  const hold = (change: number): void => {
    depth = Math.max(0, depth + change);
    target.classList.toggle("held-over", depth > 0);
  };
  target.addEventListener("dragenter", () => hold(1));
  target.addEventListener("dragleave", () => hold(-1));
  target.addEventListener("dragover", (event) => {
    event.preventDefault();
    if (event.dataTransfer !== null) event.dataTransfer.dropEffect = "copy";
  });
  target.addEventListener("drop", (event) => {
    event.preventDefault();
    event.stopPropagation();
    hold(-depth);
    if (event.dataTransfer === null) return;
    void droppedFiles(event.dataTransfer).then(onDrop);
  });
}

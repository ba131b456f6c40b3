import { element } from "../page/element.ts";
import type { Photo } from "./photo-class.ts";

/** The photos of a class as pictures, each with a button that removes it. */
export interface ThumbnailGrid {
  readonly list: HTMLUListElement;
  add(photo: Photo): void;
}

/** One stop of the tab key for all buttons; arrow keys go from one to the next. */
function moveFocus(list: HTMLUListElement, event: KeyboardEvent): void {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const buttons = [...list.querySelectorAll("button")];
  const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
  const next = step === undefined || at < 0 ? undefined : buttons[at + step];
  if (next === undefined) return;
  event.preventDefault();
  for (const button of buttons) button.tabIndex = button === next ? 0 : -1;
  next.focus();
}

/** Makes an empty grid. */
export function thumbnailGrid(onRemove: (photo: Photo) => void): ThumbnailGrid {
  const list = element("ul", { class: "thumbnails" });
  list.addEventListener("keydown", (event) => moveFocus(list, event));
  return {
    list,
    add(photo) {
      const { name } = photo.file;
      const remove = element("button", { type: "button", class: "remove", "aria-label": `Remove ${name}` }, "×");
      remove.tabIndex = list.childElementCount === 0 ? 0 : -1;
      const item = element("li", { title: name }, element("img", { src: photo.thumbnail, alt: name }), remove);
      remove.addEventListener("click", () => {
        const neighbour = item.nextElementSibling ?? item.previousElementSibling;
        item.remove();
        onRemove(photo);
        const button = neighbour?.querySelector("button");
        if (button == null) return;
        button.tabIndex = 0;
        button.focus();
      });
      list.append(item);
    },
  };
}

import { serializeError } from "@thaw/core";
import { byId, element } from "../page/element.ts";
import { dropTarget } from "../photos/drop-target.ts";

/** Classes shown with their probabilities. */
const SHOWN = 5;

/** Probabilities, the largest first. */
export function ranked(
  probabilities: Float32Array,
  classes: readonly string[],
): readonly { readonly name: string; readonly probability: number }[] {
  return classes
    .map((name, index) => ({ name, probability: probabilities[index] ?? 0 }))
    .sort((a, b) => b.probability - a.probability);
}

/** Where a new photo is judged by the trained network. */
export interface ClassifyView {
  clear(): void;
}

/**
 * Makes the place where a photo can be dropped.
 * @param judge gives a probability for each class, and the classes
 */
export function classifyView(
  judge: (file: File) => Promise<{ readonly probabilities: Float32Array; readonly classes: readonly string[] }>,
): ClassifyView {
  const picker = byId("classify-file", HTMLInputElement);
  const target = byId("classify-drop", HTMLDivElement);
  const list = byId("classify-result", HTMLOListElement);
  const status = byId("classify-status", HTMLParagraphElement);
  const picture = byId("classify-photo", HTMLImageElement);
  let waiting = Promise.resolve();

  async function show(file: File): Promise<void> {
    status.textContent = `Looking at ${file.name} …`;
    try {
      const { probabilities, classes } = await judge(file);
      URL.revokeObjectURL(picture.src);
      picture.src = URL.createObjectURL(file);
      picture.alt = file.name;
      picture.hidden = false;
      const order = ranked(probabilities, classes).slice(0, SHOWN);
      list.replaceChildren(
        ...order.map(({ name, probability }) => {
          const share = `${(probability * 100).toFixed(1)} %`;
          const bar = element("span", { class: "bar" });
          bar.style.setProperty("--share", String(probability));
          return element("li", {}, element("span", {}, name), element("span", { class: "share" }, share), bar);
        }),
      );
      const [best] = order;
      status.textContent = `${file.name}: most likely ${best?.name}, ${((best?.probability ?? 0) * 100).toFixed(1)} %.`;
    } catch (error) {
      const { message, hint = "" } = serializeError(error);
      status.textContent = `${message} ${hint}`;
    }
  }

  function receive(files: readonly File[]): void {
    const [file] = files;
    if (file !== undefined) waiting = waiting.then(() => show(file)); // one after the other: the last one stays
  }

  picker.addEventListener("change", () => {
    receive([...(picker.files ?? [])]);
    picker.value = "";
  });
  dropTarget(target, (groups) => receive(groups.flatMap(({ files }) => files)));
  return {
    clear() {
      list.replaceChildren();
      status.textContent = "";
      picture.hidden = true;
    },
  };
}

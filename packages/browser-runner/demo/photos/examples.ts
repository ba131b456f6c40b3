import { ThawError } from "@thaw/core";
import type { ShippedExamples } from "../build/manifest.ts";
import { byId } from "../page/element.ts";
import type { ClassList } from "./class-list.ts";

/** @throws ThawError `examples-missing` */
async function fetchPhoto(path: string): Promise<File> {
  const response = await fetch(`examples/${path.split("/").map(encodeURIComponent).join("/")}`);
  if (!response.ok) {
    throw new ThawError("examples-missing", `The page's server answered ${response.status} for ${path}.`, {
      hint: "Use photos of your own, or tell the page's owner.",
    });
  }
  return new File([await response.blob()], path.split("/").at(-1) ?? path);
}

/** Offers the photos that came with the page. */
export function offerExamples(
  { classes, credit }: ShippedExamples,
  list: ClassList,
  onError: (error: unknown) => void,
): void {
  const button = byId("add-examples", HTMLButtonElement);
  button.hidden = false;
  byId("examples-credit", HTMLElement).textContent = credit;
  button.addEventListener("click", () => {
    button.disabled = true;
    const add = async (): Promise<void> => {
      for (const { name, files } of classes) {
        const photos = await Promise.all(files.map((file) => fetchPhoto(`${name}/${file}`)));
        await list.receive(name, photos);
      }
    };
    add()
      .catch(onError)
      .finally(() => {
        button.disabled = false;
      });
  });
}

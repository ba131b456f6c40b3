import { byId, element } from "../page/element.ts";
import type { Photo } from "../photos/photo-class.ts";
import { confusionMatrix, type Judged } from "./confusion.ts";

function fillMatrix(judged: readonly Judged[], classes: readonly string[]): void {
  const table = byId("confusion", HTMLTableElement);
  const matrix = confusionMatrix(judged, classes.length);
  const heads = classes.map((name) => element("th", { scope: "col" }, name));
  table.tHead?.replaceChildren(element("tr", {}, element("td", {}), ...heads));
  const rows = matrix.map((counts, label) => {
    const total = counts.reduce((sum, count) => sum + count, 0);
    const cells = counts.map((count, predicted) => {
      const kind = count === 0 ? "none" : predicted === label ? "right" : "wrong";
      const cell = element("td", { class: kind }, String(count));
      cell.style.setProperty("--share", String(total === 0 ? 0 : count / total));
      return cell;
    });
    return element("tr", {}, element("th", { scope: "row" }, classes[label] ?? ""), ...cells);
  });
  table.tBodies[0]?.replaceChildren(...rows);
}

function fillMistakes(judged: readonly Judged[], classes: readonly string[], photos: readonly Photo[]): void {
  const wrong = judged.filter(({ label, predicted }) => label !== predicted);
  const heading =
    wrong.length === 0 ? "No mistakes" : wrong.length === 1 ? "The mistake" : `The ${wrong.length} mistakes`;
  byId("mistakes-heading", HTMLHeadingElement).textContent = heading;
  const figures = wrong.map(({ image, label, predicted }) => {
    const photo = photos[image];
    const caption = element(
      "figcaption",
      {},
      classes[label] ?? "",
      element("span", {}, `taken for ${classes[predicted]}`),
    );
    const picture = element("img", { src: photo?.thumbnail ?? "", alt: photo?.file.name ?? "" });
    return element("li", {}, element("figure", {}, picture, caption));
  });
  byId("mistakes", HTMLUListElement).replaceChildren(...figures);
}

/** Shows how the photos that were held out were judged. */
export function showConfusion(judged: readonly Judged[], classes: readonly string[], photos: readonly Photo[]): void {
  fillMatrix(judged, classes);
  fillMistakes(judged, classes, photos);
}

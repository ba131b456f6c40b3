import type { BestRow } from "../rows/best-row.ts";
import { type Confusion, confusionOf } from "../rows/confusion.ts";
import { type Mistake, worstMistakes } from "../rows/mistakes.ts";
import type { Part } from "../rows/score.ts";
import { count, list, percent } from "./figures.ts";
import { html, type Markup, nameText } from "./markup.ts";
import type { Photos } from "./photos.ts";

/** Shades of a count, by its share of the row: the style sheet has as many. */
const SHADES = 10;

/** How many images of each class went where, a row a true class. */
export function confusionTable({ classes, counts }: Confusion, caption: string): Markup {
  const rows = counts.map((row, truth) => {
    const images = row.reduce((sum, value) => sum + value, 0);
    const cells = row.map((value, predicted) => {
      const shade = images === 0 ? 0 : Math.ceil((value / images) * SHADES);
      const kind = predicted === truth ? "right" : "wrong";
      return html`<td class="n ${kind} h${shade}">${value === 0 ? html`<span class="zero">0</span>` : value}</td>`;
    });
    const right = row[truth] ?? 0;
    return html`<tr><th scope="row">${nameText(classes[truth] ?? "")}</th>${cells}<td class="n recall">${images === 0 ? "–" : `${right} of ${images}`}</td></tr>`;
  });
  return html`<table class="confusion"><caption>${caption}</caption><thead><tr><td class="corner"><span>true class ↓, predicted →</span></td>${classes.map((name) => html`<th scope="col"><span>${nameText(name)}</span></th>`)}<th scope="col" class="found">found</th></tr></thead><tbody>${rows}</tbody></table>`;
}

const TITLES: Readonly<Record<Part, string>> = { validation: "Validation", test: "Test" };

function confusions(best: BestRow): Markup {
  const { runs } = best.row;
  const over = runs.length > 1 ? `, sum over ${runs.length} seeds` : "";
  const tables = (["validation", "test"] as const).flatMap((part) => {
    const confusion = confusionOf(runs, part);
    return confusion === null ? [] : [confusionTable(confusion, `${TITLES[part]}${over}`)];
  });
  if (tables.length > 0) return html`<div class="pair">${tables}</div>`;
  return html`<p class="soft">This row's results do not say which images were held out (results of Thaw 0.1 do not): run it again for a confusion matrix.</p>`;
}

function mistakeMarkup(mistake: Mistake, photos: Photos, seeds: number): Markup {
  const { id, part, label, predicted, confidence, ownProbability, loss, seed } = mistake;
  const image = photos.kind === "shown" ? photos.images.get(id) : undefined;
  const missing = photos.kind === "shown" ? (photos.missing.get(id) ?? "not there") : "left out";
  const picture =
    image === undefined
      ? html`<div class="no-photo"><span>no photo: ${missing}</span></div>`
      : html`<img src="${image}" width="128" height="128" alt="${nameText(label)}, taken for ${nameText(predicted)}">`;
  return html`<li>${picture}<p><span class="soft">is</span> <b>${nameText(label)}</b></p><p><span class="soft">taken for</span> <b>${nameText(predicted)}</b>, ${percent(confidence)}</p>
<p class="sub soft">own class ${percent(ownProbability)}, loss ${loss.toFixed(2)}</p><p class="sub soft">${part}${seeds > 1 ? `, seed ${seed}` : ""}</p><p class="sub soft id" title="${nameText(id)}">${nameText(id)}</p></li>`;
}

function photosNote(photos: Photos, mistakes: readonly Mistake[]): string {
  if (photos.kind === "left-out") return "Photos were left out (--no-photos).";
  const missing = mistakes.filter(({ id }) => !photos.images.has(id));
  const reasons = [...new Set(missing.map(({ id }) => photos.missing.get(id) ?? "not there"))];
  const absent = missing.length === 0 ? "" : ` ${count(missing.length, "photo")} could not be shown: ${list(reasons)}.`;
  return `Photos are shown as the network sees them, scaled to its input.${absent}`;
}

function worst(best: BestRow, photos: Photos): Markup {
  const { runs } = best.row;
  const mistakes = worstMistakes(runs);
  if (mistakes === null) {
    return html`<p class="soft">This row's results do not say how sure the network was of which image (results of Thaw 0.1 do not, nor do all runners): run it again to see its worst photos.</p>`;
  }
  if (mistakes.length === 0) return html`<p>Not one held-out image was put in the wrong class.</p>`;
  return html`<h3>The ${count(mistakes.length, "photo")} it got most wrong</h3><p>Held-out photos in the wrong class, the largest loss first. ${photosNote(photos, mistakes)}</p>
<ol class="photos">${mistakes.map((mistake) => mistakeMarkup(mistake, photos, runs.length))}</ol>`;
}

/** Where the best row is wrong: by class, and photo by photo. */
export function mistakesSection(best: BestRow | null, photos: Photos): Markup | null {
  if (best === null) return null;
  return html`<section id="mistakes" aria-labelledby="mistakes-h"><h2 id="mistakes-h">Where the best row is wrong</h2>${confusions(best)}${worst(best, photos)}</section>`;
}

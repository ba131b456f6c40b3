import { MOST } from "../rows/abridged.ts";
import { guessingAccuracy } from "../rows/guessing.ts";
import type { ReportRow } from "../rows/report-rows.ts";
import { type Part, type Score, scoreOf } from "../rows/score.ts";
import { lossText, percent, percentRange } from "./figures.ts";
import { html, type Markup } from "./markup.ts";

const WIDTH = 112;

/** An accuracy with its interval, on a scale from 0 to 100 % that every row shares; a tick where guessing lies. */
function intervalBar({ accuracy, interval: [low, high], counts }: Score, guessing: number): Markup {
  const x = (share: number): string => (4 + share * (WIDTH - 8)).toFixed(1);
  const runs =
    counts.length < 2
      ? null
      : counts
          .slice(0, MOST.seeds)
          .map(({ correct, images }) => html`<path class="run" d="M${x(correct / images)} 2V5"/>`);
  return html`<svg class="interval" viewBox="0 0 ${WIDTH} 16" aria-hidden="true"><path class="axis" d="M4 9H${WIDTH - 4}M4 7V11M${WIDTH - 4} 7V11"/><path class="chance" d="M${x(guessing)} 5V13"/><path class="range" d="M${x(low)} 9H${x(high)}"/><circle cx="${x(accuracy)}" cy="9" r="3.2"/>${runs}</svg>`;
}

/** `46 of 55`; for many seeds their sum, for several seeds `46, 48, 45 of 55`, or `20/61, 25/60` where the parts differ in size. */
export function countsText({ counts }: Score): string {
  const sizes = new Set(counts.map(({ images }) => images));
  if (counts.length > MOST.seeds) {
    const correct = counts.reduce((sum, count) => sum + count.correct, 0);
    const images = counts.reduce((sum, count) => sum + count.images, 0);
    return `${correct} of ${images} in all ${counts.length} seeds`;
  }
  return sizes.size === 1
    ? `${counts.map(({ correct }) => correct).join(", ")} of ${counts[0].images}`
    : counts.map(({ correct, images }) => `${correct}/${images}`).join(", ");
}

/** What an interval allows for, in words. */
export function intervalText({ interval, allowsFor }: Score): string {
  return `95 % interval for other ${allowsFor === "images" ? "photos" : "seeds"} ${percentRange(interval)}`;
}

/** An accuracy with counts, interval and loss, in a few lines. */
export function scoreCell(row: ReportRow, part: Part): Markup {
  const score = scoreOf(row, part);
  if (score === null) return html`<span class="soft">no such part</span>`;
  return html`<span class="big">${percent(score.accuracy)}</span>${score.counts.length > 1 ? html` <span class="soft">mean</span>` : null}
${intervalBar(score, guessingAccuracy(row, part))}<span class="sub">${countsText(score)}</span><span class="sub soft">95 %: ${percentRange(score.interval)}</span>
<span class="sub soft">loss ${lossText(score.loss)}</span>`;
}

import { deviceLabel } from "@thaw/core";
import { seedList } from "../rows/abridged.ts";
import type { BestRow } from "../rows/best-row.ts";
import type { PairTest } from "../rows/pair-test.ts";
import { type ReportRow, ratesText } from "../rows/report-rows.ts";
import { trainingWords } from "../what-trains.ts";
import { count, lossText, percent, points } from "./figures.ts";
import { html, type Markup } from "./markup.ts";
import { trainingMarkup } from "./network-strip.ts";
import { countsText, intervalText, scoreCell } from "./score-cell.ts";

/** A row in words: what trains in its last phase, and at which rate. */
export function rowWords(row: ReportRow): string {
  const phase = row.runs[0].phases.at(-1);
  const what = phase === undefined ? row.label : trainingWords(phase).trains;
  return `${row.label} (${what}, rate ${ratesText(row)}, ${count(row.runs[0].epochs.length, "epoch")})`;
}

/** What a paired comparison says, in plain words. */
export function pairWords(pairs: PairTest | null): string {
  if (pairs === null) return "They share no seed and no held-out images, so the difference cannot be tested.";
  if (pairs.kind === "seeds") {
    const interval = `95 % interval ${points(pairs.interval[0])} to ${points(pairs.interval[1])}`;
    const verdict =
      pairs.decided === null
        ? "Two seeds are too few to say how large the noise between seeds is."
        : pairs.decided
          ? "That is more than the noise between seeds."
          : "The interval holds 0: with these seeds the two cannot be told apart.";
    return `Paired over seeds ${seedList(pairs.seeds)} the difference is ${points(pairs.mean)} on average, ${interval}. ${verdict}`;
  }
  const { seed, images, firstOnly, secondOnly, p, decided } = pairs;
  const verdict = decided
    ? "That is more than chance between images; what another seed would do, it does not say."
    : "So few cannot tell the two apart.";
  return (
    `With seed ${seed}, on the same ${count(images, "validation photo")}, the best row alone is right on ${firstOnly} ` +
    `and the next alone on ${secondOnly} (McNemar's exact test, p = ${p.toPrecision(2)}). ${verdict}`
  );
}

/** Why this row, in sentences. */
export function bestReasons(best: BestRow): readonly string[] {
  const { row, validation, experiments, next, tied, elsewhere } = best;
  const seeds = row.runs.length;
  const chosen = `It has the highest validation accuracy of ${count(experiments, "experiment")}${tied ? ", level with the next, and the lower validation loss of the two" : ""}: ${percent(validation.accuracy)}${seeds > 1 ? ` on average over ${seeds} seeds` : ""} (${countsText(validation)}; ${intervalText(validation)}).`;
  const against =
    next === null
      ? []
      : [
          `Next comes ${rowWords(next.row)} with ${percent(next.validation.accuracy)} (loss ${lossText(next.validation.loss)} against ${lossText(validation.loss)}). ${pairWords(next.pairs)}`,
        ];
  const others = elsewhere.map(
    (other) =>
      `The same experiment on ${other.row.runner}, ${deviceLabel(other.row.runs[0].environment)}: ${percent(other.validation.accuracy)}.`,
  );
  return [chosen, ...against, ...others];
}

/** What the figures do not say. */
export function bestCaveats({ row, experiments, next, test }: BestRow): readonly string[] {
  const single =
    row.runs.length === 1
      ? [
          "One seed: another seed shuffles, initializes and splits anew, and may well put another row first. Run several seeds (thaw sweep --seed 0,1,2) before you rely on the order.",
        ]
      : [];
  const mixed =
    next !== null && next.row.runs.length !== row.runs.length
      ? ["The two rows have different numbers of seeds; the one with fewer is the less certain."]
      : [];
  const flattered =
    experiments > 1
      ? [
          `The highest of ${experiments} validation figures flatters itself a little: it was chosen for being high.${test === null ? "" : " The test figure was not used for the choice."}`,
        ]
      : [];
  return [...single, ...mixed, ...flattered];
}

/** The row to take, and why. */
export function bestSection(best: BestRow | null): Markup {
  if (best === null) {
    return html`<section id="best" aria-labelledby="best-h"><h2 id="best-h">Best row</h2><p>No result has a validation part, so no row can be chosen: set <code>split.validation</code>.</p></section>`;
  }
  const { row } = best;
  const [first] = row.runs;
  return html`<section id="best" aria-labelledby="best-h"><h2 id="best-h">Best row: <a href="#${row.id}">${row.label}</a></h2>
<div class="answer"><div class="answer-what">${trainingMarkup(first)}<p class="what">rate ${ratesText(row)}, ${count(first.epochs.length, "epoch")}, ${row.runner} on ${deviceLabel(first.environment)}</p></div>
<dl class="answer-figures"><div><dt>Validation</dt><dd>${scoreCell(row, "validation")}</dd></div><div><dt>Test, only reported</dt><dd>${scoreCell(row, "test")}</dd></div></dl>
<div class="answer-why">${bestReasons(best).map((sentence) => html`<p>${sentence}</p>`)}${bestCaveats(best).map((sentence) => html`<p class="caveat">${sentence}</p>`)}</div></div></section>`;
}

import { initialLearningRate } from "@thaw/core";
import { curveLegend } from "../page/curve-legend.ts";
import { lossText, percent, rateText, speedText } from "../page/figures.ts";
import { html, htmlText, type Markup } from "../page/markup.ts";
import { stripLegend, trainingMarkup } from "../page/network-strip.ts";
import { rowCurves } from "../page/row-curves.ts";
import { epochsOf, type LiveCell, shareOf, stateText } from "./live-cell.ts";

/** Parts of a row that change, by name: what is sent to the page again. */
export type LiveParts = Readonly<Record<(typeof PARTS)[number], string>>;

const PARTS = ["accuracy", "loss", "train", "validation", "speed", "machine", "action"] as const;

const HEADINGS = [
  "What trains",
  "Rate, epochs",
  "State",
  "Accuracy by epoch",
  "Loss by epoch",
  "Training accuracy",
  "Validation accuracy",
  "Img/s",
  "Runner, device",
  "Cancel",
] as const;

function lossTopOf({ planned, epochs }: LiveCell): number {
  const guessing = Math.log(Math.max(2, planned.data.classes.length));
  const losses = epochs.flatMap(({ train, validation }) => [train.loss, validation?.loss ?? 0]).filter(Number.isFinite);
  return Math.min(2 * guessing, Math.max(guessing, ...losses));
}

function cancelButton({ id, label, runner, state }: LiveCell): Markup | null {
  return state === "running" || state === "queued"
    ? html`<button type="button" data-cancel="${id}">Cancel<span class="sr"> ${label} on ${runner}</span></button>`
    : null;
}

/** What of a row changes as the cell goes on, as HTML. */
export async function liveParts(cell: LiveCell): Promise<LiveParts> {
  const { planned, epochs, device, runner } = cell;
  const last = epochs.at(-1);
  const curves =
    epochs.length === 0
      ? null
      : await rowCurves({ runs: [{ ...planned, epochs }], epochs: epochsOf(cell) }, lossTopOf(cell));
  const validation = last?.validation ?? null;
  const text = (markup: Markup): string => htmlText(markup);
  return {
    accuracy: text(html`${curves?.accuracy}`),
    loss: text(html`${curves?.loss}`),
    train: last === undefined ? "" : percent(last.train.accuracy),
    validation: text(
      validation === null
        ? html``
        : html`<span class="big">${percent(validation.accuracy)}</span><span class="sub soft">loss ${lossText(validation.loss)}</span>`,
    ),
    speed: speedText(last?.imagesPerSecond ?? null),
    machine: text(html`${runner}<span class="sub">${device}</span>`),
    action: text(html`${cancelButton(cell)}`),
  };
}

function stepMarkup({ state, step }: LiveCell): Markup | null {
  if (state !== "running" || step === null || step.step === 0) return null;
  return html`<span class="sub soft">step ${step.step} of ${step.totalSteps}, loss ${step.loss.toFixed(4)}</span>`;
}

/** Where a cell stands: words and a bar. */
export function stateMarkup(cell: LiveCell): Markup {
  const bar =
    cell.state === "running"
      ? html`<progress max="1" value="${shareOf(cell).toFixed(3)}" aria-label="Progress of ${cell.label} on ${cell.runner}"></progress>`
      : null;
  return html`<span class="state ${cell.state}">${stateText(cell)}</span>${stepMarkup(cell)}${bar}`;
}

function rateOf({ planned }: LiveCell): number {
  return initialLearningRate((planned.phases.at(-1)?.optimizer ?? planned.spec.optimizer).learningRate);
}

/** A cell's row. */
export async function liveRow(cell: LiveCell): Promise<string> {
  const parts = await liveParts(cell);
  const { spec } = cell.planned;
  const part = (name: keyof LiveParts, column: number): string =>
    `<td data-part="${name}" data-label="${HEADINGS[column] ?? ""}" class="c-${name}">${parts[name]}</td>`;
  const rate = html`<span class="big">${rateText(rateOf(cell))}</span><span class="sub">${epochsOf(cell)} epochs</span><span class="sub soft">batch ${spec.batchSize}, seed ${spec.seed}</span>`;
  const head = htmlText(
    html`<th scope="row" class="c0"><span class="label">${cell.group}: ${cell.label}</span>${trainingMarkup(cell.planned)}</th><td data-label="Rate, epochs" class="c1">${rate}</td><td data-part="state" data-label="State" class="c-state">${stateMarkup(cell)}</td>`,
  );
  const rest = PARTS.map((name, index) => part(name, index + 3)).join("");
  return `<tr id="cell-${cell.id}">${head}${rest}</tr>`;
}

/** The table of a sweep that goes on, without its rows. */
export function liveTable(): Markup {
  return html`<section id="live" aria-labelledby="live-h"><h2 id="live-h">Cells</h2>${stripLegend()}<ul class="legend">${curveLegend("above twice what guessing costs")}</ul>
<div class="scroll whole" role="group" aria-labelledby="live-h" tabindex="0"><table class="results"><caption class="sr">Cells of the sweep</caption><thead><tr>${HEADINGS.map((name, index) => html`<th scope="col" class="l${index}">${name}</th>`)}</tr></thead><tbody id="cells"></tbody></table></div></section>`;
}

/** How far the whole sweep has come, in a line. */
export function sweepText(cells: readonly LiveCell[]): string {
  const count = (state: LiveCell["state"]): number => cells.filter((cell) => cell.state === state).length;
  const words = (["running", "queued", "failed", "cancelled"] as const).flatMap((state) =>
    count(state) === 0 ? [] : [`${count(state)} ${state}`],
  );
  return [`${count("done")} of ${cells.length} cells done`, ...words].join(", ");
}

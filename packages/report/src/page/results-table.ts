import { deviceLabel } from "@thaw/core";
import { MOST, seedList } from "../rows/abridged.ts";
import { allRows, type ReportRow, type RowGroup, ratesText } from "../rows/report-rows.ts";
import { paceOf, trainAccuracyOf, underTrainedRuns } from "../rows/score.ts";
import { curveLegend } from "./curve-legend.ts";
import { type Column, csvLink } from "./data-table.ts";
import { count, minutesText, percent, speedText } from "./figures.ts";
import { html, type Markup } from "./markup.ts";
import { stripLegend, trainingMarkup } from "./network-strip.ts";
import { lossTop, rowCurves } from "./row-curves.ts";
import { scoreCell } from "./score-cell.ts";

const HEADINGS = [
  "What trains",
  "Rate, epochs",
  "Accuracy by epoch",
  "Loss by epoch",
  "Training accuracy",
  "Validation accuracy",
  "Test accuracy",
  "Minutes",
  "Img/s",
  "Runner, device",
] as const;

/** Why a row has no accuracy to speak of; never that it forgot anything. */
function underTrainedFlag(row: ReportRow): Markup | null {
  const runs = underTrainedRuns(row);
  if (runs === 0) return null;
  const of = row.runs.length > 1 ? `${runs} of ${row.runs.length} seeds ` : "";
  return html`<strong class="flag">under-trained</strong><span class="sub soft">${of}never left chance on the training images</span>`;
}

function seedsText({ runs }: ReportRow): string {
  const seeds = runs.map(({ spec }) => spec.seed);
  const drawn = seeds.length > MOST.seeds ? `; curves of ${MOST.seeds}` : "";
  return `${seeds.length === 1 ? "seed" : "seeds"} ${seedList(seeds)}${drawn}`;
}

/** Runs that stopped early are worth a line: their row has had less training than the spec allows. */
function endingLine({ runs }: ReportRow): Markup | null {
  const stopped = runs.filter(({ final }) => final.stoppedEarly).length;
  if (stopped === 0) return null;
  const which = runs.length === 1 ? "" : `${stopped} of ${runs.length} runs `;
  return html`<span class="sub soft">${which}stopped early</span>`;
}

/** A cell that carries its column's name for the narrow layout. */
function cell(column: number, content: Markup | string, extra = ""): Markup {
  return html`<td role="cell" data-label="${HEADINGS[column] ?? ""}" class="c${column}${extra}">${content}</td>`;
}

async function rowMarkup(row: ReportRow, top: number, bestId: string | null): Promise<Markup> {
  const [first] = row.runs;
  const { batchSize, optimizer } = first.spec;
  const curves = await rowCurves(row, top);
  const pace = paceOf(row);
  const rate = html`<span class="big">${ratesText(row)}</span><span class="sub">${count(first.epochs.length, "epoch")}</span>
<span class="sub soft">${first.phases.at(-1)?.optimizer.name ?? optimizer.name}, batch ${batchSize}</span><span class="sub soft">${seedsText(row)}</span>`;
  const training = html`<span class="mid">${percent(trainAccuracyOf(row))}</span>${underTrainedFlag(row)}${endingLine(row)}`;
  const { device, engine } = first.environment;
  const machine = html`${row.runner}<span class="sub">${deviceLabel(first.environment)}</span>
<span class="sub soft">${engine}${device.software ? ", an emulated GPU: its speed says nothing of a real one" : ""}</span>`;
  const isBest = row.id === bestId;
  return html`<tr role="row" id="${row.id}"${isBest ? html` class="best"` : null}>
<th role="rowheader" scope="row" class="c0"><span class="label">${row.label}${isBest ? html`<span class="badge">best</span>` : null}</span>${trainingMarkup(first)}</th>
${cell(1, rate)}${cell(2, curves.accuracy)}${cell(3, curves.loss)}${cell(4, training)}${cell(5, scoreCell(row, "validation"))}${cell(6, scoreCell(row, "test"))}
${cell(7, minutesText(pace.minutes), " n")}${cell(8, speedText(pace.imagesPerSecond), " n")}${cell(9, machine)}</tr>`;
}

/** One epoch of one run, for the file. */
interface EpochLine {
  readonly row: ReportRow;
  readonly seed: number;
  readonly phase: string;
  readonly epoch: number;
  readonly rate: number;
  readonly train: { readonly accuracy: number; readonly loss: number };
  readonly validation: { readonly accuracy: number; readonly loss: number } | null;
}

const EPOCH_COLUMNS: readonly Column<EpochLine>[] = [
  { name: "group", of: ({ row }) => row.group },
  { name: "row", of: ({ row }) => row.label },
  { name: "runner", of: ({ row }) => row.runner },
  { name: "seed", of: ({ seed }) => seed },
  { name: "phase", of: ({ phase }) => phase },
  { name: "epoch", of: ({ epoch }) => epoch },
  { name: "learning_rate", of: ({ rate }) => rate },
  { name: "train_accuracy", of: ({ train }) => train.accuracy },
  { name: "train_loss", of: ({ train }) => train.loss },
  { name: "validation_accuracy", of: ({ validation }) => validation?.accuracy ?? null },
  { name: "validation_loss", of: ({ validation }) => validation?.loss ?? null },
];

function epochLines(rows: readonly ReportRow[]): readonly EpochLine[] {
  return rows.flatMap((row) =>
    row.runs.flatMap(({ epochs, spec }) =>
      epochs.map(({ phase, epoch, learningRate, train, validation }) => ({
        row,
        seed: spec.seed,
        phase,
        epoch,
        rate: learningRate,
        train,
        validation,
      })),
    ),
  );
}

function epochsFile(rows: readonly ReportRow[]): Markup {
  const lines = rows.reduce((sum, { runs }) => sum + runs.reduce((epochs, run) => epochs + run.epochs.length, 0), 0);
  if (lines > MOST.epochLines) {
    return html`The ${lines} epochs of all runs are too many to keep in this page: <code>thaw sweep --csv FILE</code> writes them.`;
  }
  return html`${csvLink("epochs.csv", EPOCH_COLUMNS, epochLines(rows))} every epoch of every run`;
}

function groupHead(name: string): Markup {
  return html`<tr role="row" class="group"><th role="columnheader" scope="colgroup" colspan="${HEADINGS.length}">${name}</th></tr>`;
}

/** A group's rows as they stand in the table's body. */
export async function groupMarkup({ name, rows }: RowGroup, top: number, bestId: string | null): Promise<Markup> {
  const lines = [];
  for (const row of rows) lines.push(await rowMarkup(row, top, bestId));
  return html`<tbody role="rowgroup">${groupHead(name)}${lines}</tbody>`;
}

/** The article's table: every row says what trains, how it went and how sure its figures are. */
export async function resultsTable(groups: readonly RowGroup[], bestId: string | null): Promise<Markup> {
  const rows = allRows(groups);
  const top = lossTop(rows);
  const bodies = [];
  for (const group of groups) bodies.push(await groupMarkup(group, top, bestId));
  return html`<section id="table" aria-labelledby="table-h"><h2 id="table-h">Every experiment</h2>
<div class="reading"><p>Each strip is the network from the image (left) to its head (right), a column a layer. <b>A freeze count counts from the image:</b>
0 freezes nothing, so all layers train; the full count freezes the whole base, so the head alone trains.</p>
${stripLegend()}
<ul class="legend">${curveLegend(`above ${top.toFixed(1)}`)}
<li><svg viewBox="0 0 60 14" aria-hidden="true" class="interval wide"><path class="axis" d="M2 8H58M2 6V10M58 6V10"/><path class="range" d="M26 8H46"/><circle cx="36" cy="8" r="3.2"/></svg>accuracy from 0 to 100 % with its 95 % interval: of one seed Wilson’s, for other photos; of several Student’s t, for other seeds (ticks: each seed)</li></ul></div>
<div class="scroll whole" role="group" aria-labelledby="table-h" tabindex="0"><table class="results" role="table"><caption class="sr">Experiments by group</caption>
<thead role="rowgroup"><tr role="row">${HEADINGS.map((name, index) => html`<th role="columnheader" scope="col" class="c${index}">${name}</th>`)}</tr></thead>
${bodies}</table></div>
<p class="tools">${epochsFile(rows)}</p></section>`;
}

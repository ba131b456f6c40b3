import { deviceLabel, initialLearningRate, type PhaseSummary, printable, type Result } from "@thaw/core";
import { trainingWords } from "@thaw/report";
import Table from "cli-table3";

/** A cell of a sweep as the table shows it: its result, or why there is none. */
export interface TableRow {
  /** `group: label` of a sweep's cell, or the experiment's name. */
  readonly cell: string;
  readonly runner: string;
  readonly result: Result | null;
  readonly failure?: string;
}

const BARS = "▁▂▃▄▅▆▇█";

/** A curve in one line, lowest to highest value, at most `width` points. */
export function sparkline(values: readonly number[], width = 12): string {
  const finite = values.filter((value) => Number.isFinite(value));
  if (finite.length === 0) return "";
  const low = Math.min(...finite);
  const range = Math.max(...finite) - low || 1;
  const points = Math.min(width, finite.length);
  return Array.from({ length: points }, (_, index) => {
    const value = finite[Math.round((index * (finite.length - 1)) / Math.max(points - 1, 1))] ?? low;
    return BARS[Math.min(BARS.length - 1, Math.floor(((value - low) / range) * BARS.length))];
  }).join("");
}

/** Says what trains in a phase, a line a fact. */
export function whatTrains(phase: PhaseSummary): string {
  const { frozen, trains, weights, batchNorm } = trainingWords(phase);
  return [frozen, trains, weights, batchNorm].join("\n");
}

function accuracy(value: number | undefined): string {
  return value === undefined ? "–" : `${(value * 100).toFixed(1)} %`;
}

function cells({ cell, runner, result, failure }: TableRow): string[] {
  if (result === null) return [cell, runner, failure ?? "not run", "", "", "", "", "", "", ""];
  const phase = result.phases.at(-1);
  const { final, epochs, timing } = result;
  const rate = phase === undefined ? 0 : initialLearningRate(phase.optimizer.learningRate);
  return [
    cell,
    `${runner}\n${deviceLabel(result.environment)}`,
    result.phases.map(whatTrains).join("\nthen\n"),
    `${rate.toExponential()}\n${epochs.length} epochs`,
    `${accuracy(final.train.accuracy)}${result.underTrained ? "\nunder-trained" : ""}`,
    `${accuracy(final.validation?.accuracy)}\n${sparkline(epochs.map((epoch) => epoch.validation?.accuracy ?? Number.NaN))}`,
    `${final.validation?.loss.toFixed(3) ?? "–"}\n${sparkline(epochs.map((epoch) => epoch.validation?.loss ?? Number.NaN))}`,
    accuracy(final.test?.accuracy),
    (timing.totalMs / 60_000).toFixed(2),
    timing.imagesPerSecond?.toFixed(0) ?? "–",
  ];
}

/** Printed after it was measured: what shows as an escape has to be one before. */
function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

/** Rows that a terminal can be looked through; the layout of thousands takes minutes. */
export const MOST_ROWS = 200;

/** Says that a table has no more rows than these; nothing where it has all. */
export function moreRows(all: number): string {
  return all <= MOST_ROWS ? "" : `\n${all - MOST_ROWS} more rows are not shown; thaw report makes a page of all.`;
}

/** The table of the article, a row a cell: of very many those without a result, and then the first ones. */
export function resultTable(rows: readonly TableRow[]): string {
  const failures = rows.length <= MOST_ROWS ? [] : rows.filter(({ result }) => result === null);
  const shown = new Set([...new Set([...failures, ...rows])].slice(0, MOST_ROWS));
  const table = new Table({
    head: [
      "group",
      "runner",
      "what trains",
      "rate",
      "train acc",
      "val acc",
      "val loss",
      "test acc",
      "minutes",
      "img/s",
    ],
    style: { head: [], border: [] },
  });
  for (const row of rows) if (shown.has(row)) table.push(cells(row).map(printableLines));
  return `${table.toString()}${moreRows(rows.length)}`;
}

import { deviceLabel, initialLearningRate, type PhaseSummary, type Result } from "@thaw/core";
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

function count(value: number): string {
  return value >= 1e6
    ? `${(value / 1e6).toFixed(2)} M`
    : value >= 1e4
      ? `${(value / 1e3).toFixed(0)} k`
      : String(value);
}

function frozenText(freeze: PhaseSummary["freeze"]): string {
  if (typeof freeze === "number") return freeze === 0 ? "nothing frozen" : `first ${freeze} layers frozen`;
  return typeof freeze === "string" ? `frozen up to ${freeze}` : "frozen by rules";
}

/** Says what trains: never a bare number of frozen layers, which is too easily read upside down. */
export function whatTrains({ layers, trainable, freeze }: PhaseSummary): string {
  const withWeights = layers.filter((layer) => layer.trainableParams > 0);
  const first = withWeights[0]?.name ?? "nothing";
  const last = withWeights.at(-1)?.name ?? "nothing";
  const norms = layers.filter((layer) => layer.batchNormMode !== null);
  const batchStats = norms.filter((layer) => layer.batchNormMode === "batch-stats").length;
  const total = layers.reduce((sum, layer) => sum + layer.params, 0);
  const range = withWeights.length === 1 ? `${first} alone` : `${first} … ${last}`;
  return [
    frozenText(freeze),
    `trains ${range}`,
    `${count(trainable.params)} of ${count(total)} weights, ${trainable.tensors} tensors`,
    `BN: ${batchStats} batch-stats, ${norms.length - batchStats} inference`,
  ].join("\n");
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

/** The table of the article, a row a cell. */
export function resultTable(rows: readonly TableRow[]): string {
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
  for (const row of rows) table.push(cells(row));
  return table.toString();
}

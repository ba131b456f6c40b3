import { guessingAccuracy } from "../rows/guessing.ts";
import { allRows, depthOf, type ReportRow, type RowGroup, rateOf } from "../rows/report-rows.ts";
import { scoreOf } from "../rows/score.ts";
import { type Column, dataTable } from "./data-table.ts";
import { html, type Markup, nameText } from "./markup.ts";
import { plotMarkup, SERIES, SHAPES } from "./plot.ts";

/** Final validation accuracy of one row, by depth and rate. */
interface RatePoint {
  readonly series: string;
  readonly rate: number;
  readonly accuracy: number;
  readonly low: number;
  readonly high: number;
  readonly epochs: number;
  readonly seeds: number;
  readonly group: string;
}

const COLUMNS: readonly Column<RatePoint>[] = [
  { name: "frozen", of: ({ series }) => series },
  { name: "learning_rate", of: ({ rate }) => rate },
  { name: "validation_accuracy", of: ({ accuracy }) => accuracy, digits: 4 },
  { name: "low", of: ({ low }) => low, digits: 4 },
  { name: "high", of: ({ high }) => high, digits: 4 },
  { name: "epochs", of: ({ epochs }) => epochs },
  { name: "seeds", of: ({ seeds }) => seeds },
  { name: "group", of: ({ group }) => group },
];

function seriesOf(row: ReportRow): string {
  const depth = depthOf(row);
  const words = /^\d+$/.test(depth) ? (depth === "0" ? "nothing frozen" : `first ${depth} frozen`) : `frozen: ${depth}`;
  const { batchNorm } = row.runs[0].spec;
  return nameText(`${words}${batchNorm === "keras" ? "" : `, BN ${batchNorm}`}`);
}

/** The runner with the most rows: one experiment on two runners would be drawn twice. */
function mainRunner(rows: readonly ReportRow[]): string {
  const counts = new Map<string, number>();
  for (const { runner } of rows) counts.set(runner, (counts.get(runner) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? "";
}

/** Of an experiment that groups share, the row with the most seeds. */
function withMostSeeds(rows: readonly ReportRow[]): readonly ReportRow[] {
  const found = new Map<string, ReportRow>();
  for (const row of rows) {
    const other = found.get(row.experiment);
    if (other === undefined || row.runs.length > other.runs.length) found.set(row.experiment, row);
  }
  return [...found.values()];
}

function pointsOf(rows: readonly ReportRow[]): readonly RatePoint[] {
  return withMostSeeds(rows).flatMap((row) => {
    const score = scoreOf(row, "validation");
    const [{ phases, epochs }] = row.runs;
    if (score === null || phases.length > 1) return []; // phases have a rate each
    const [low, high] = score.interval;
    const place = { series: seriesOf(row), rate: rateOf(row), group: row.group };
    return [{ ...place, accuracy: score.accuracy, low, high, epochs: epochs.length, seeds: row.runs.length }];
  });
}

/**
 * Accuracy against learning rate, a series a depth.
 * @returns nothing where no depth was trained with two rates
 */
export async function ratePlot(groups: readonly RowGroup[]): Promise<Markup | null> {
  const rows = allRows(groups);
  const runner = mainRunner(rows);
  const points = pointsOf(rows.filter((row) => row.runner === runner));
  const names = [...new Set(points.map(({ series }) => series))];
  const ratesOf = (name: string): number =>
    new Set(points.filter(({ series }) => series === name).map(({ rate }) => rate)).size;
  const shown = names.filter((name) => ratesOf(name) > 1).slice(0, SERIES.length);
  if (shown.length === 0) return null;
  const values = points.filter(({ series }) => shown.includes(series));
  const [row] = rows;
  const rates = [...new Set(values.map(({ rate }) => rate))].sort((a, b) => a - b);
  const x = {
    field: "rate",
    type: "quantitative",
    scale: { type: "log", domain: [(rates[0] ?? 1) / 1.6, (rates.at(-1) ?? 1) * 1.6] as number[], nice: false },
    axis: { title: "learning rate", values: rates, format: "~e", grid: false },
  } as const;
  const y = (field: "accuracy" | "low") =>
    ({
      field,
      type: "quantitative",
      scale: { domain: [0, 1] as number[] },
      axis: { title: "validation accuracy", format: ".0%", tickCount: 5 },
    }) as const;
  const offset = { field: "series", type: "nominal", sort: [...shown] } as const;
  const color = { ...offset, scale: { domain: [...shown], range: [...SERIES] }, title: null } as const;
  const text = `Validation accuracy against learning rate, on ${runner}. ${shown
    .map((name) => {
      const series = values.filter((value) => value.series === name).sort((a, b) => a.rate - b.rate);
      return `${name}: ${series.map(({ rate, accuracy }) => `${rate.toExponential()} gives ${(accuracy * 100).toFixed(0)} %`).join(", ")}`;
    })
    .join(". ")}.`;
  const plot = await plotMarkup(
    {
      width: 460,
      height: 260,
      layer: [
        {
          data: { values: row === undefined ? [] : [{ accuracy: guessingAccuracy(row, "validation") }] },
          mark: { type: "rule", stroke: "var(--soft)", strokeDash: [1, 3] },
          encoding: { y: y("accuracy") },
        },
        {
          data: { values: [...values] },
          mark: { type: "rule", strokeWidth: 1, opacity: 0.55 },
          encoding: { x, y: y("low"), y2: { field: "high" }, color },
        },
        {
          data: { values: [...values] },
          mark: { type: "line", strokeWidth: 1.5 },
          encoding: { x, y: y("accuracy"), color },
        },
        {
          data: { values: [...values] },
          mark: { type: "point", filled: true, size: 55, opacity: 1 },
          encoding: {
            x,
            y: y("accuracy"),
            color,
            shape: { ...offset, scale: { domain: [...shown], range: [...SHAPES] }, title: null },
          },
        },
      ],
    },
    text,
  );
  return html`<section id="rates" aria-labelledby="rates-h"><h2 id="rates-h">Learning rate</h2>
<p>Final validation accuracy by learning rate, a line a freeze depth, with 95 % intervals; the dotted line is guessing. Rows on ${runner}; a row with more epochs has had more time, see the table.</p>
<figure>${plot}${dataTable("Validation accuracy by learning rate", "learning-rates.csv", COLUMNS, values)}</figure></section>`;
}

import type { Result } from "@thaw/core";
import type { TopLevelSpec } from "vega-lite";
import { MOST } from "../rows/abridged.ts";
import { guessingAccuracy } from "../rows/guessing.ts";
import { list, lossText, percent } from "./figures.ts";
import type { Markup } from "./markup.ts";
import { plotMarkup } from "./plot.ts";

/** What curves need of a run: it may still go on. */
export type CurveRun = Pick<Result, "spec" | "data" | "phases" | "epochs">;

/** Runs that are drawn over each other. */
export interface CurveRow {
  readonly runs: readonly [CurveRun, ...CurveRun[]];
  /** Epochs that there will be, of a run that still goes on. */
  readonly epochs?: number;
}

/** One value of a curve. */
interface CurveValue {
  readonly epoch: number;
  readonly value: number;
  readonly part: "train" | "validation";
  readonly line: string;
}

const SIZE = { width: 128, height: 50 } as const;
const PADDING = { left: 30, right: 6, top: 5, bottom: 17 } as const;

/** More lines than these would be one blot. */
function drawnRuns({ runs }: CurveRow): readonly CurveRun[] {
  return runs.slice(0, MOST.seeds);
}

function valuesOf(runs: readonly CurveRun[], measure: "accuracy" | "loss"): readonly CurveValue[] {
  return runs.flatMap(({ epochs, spec: { seed } }) =>
    epochs.flatMap(({ epoch, train, validation }) => [
      { epoch, value: train[measure], part: "train" as const, line: `train ${seed}` },
      ...(validation === null
        ? []
        : [{ epoch, value: validation[measure], part: "validation" as const, line: `validation ${seed}` }]),
    ]),
  );
}

/** Epochs at whose end a phase ends. */
function turnsOf({ runs: [{ phases, epochs }] }: CurveRow): readonly number[] {
  return phases.slice(0, -1).flatMap(({ name }) => epochs.filter(({ phase }) => phase === name).at(-1)?.epoch ?? []);
}

interface CurveFrame {
  readonly top: number;
  readonly ticks: readonly number[];
  readonly format: string;
  /** A dotted line: what guessing gives. */
  readonly chance: number;
}

function curveSpec(row: CurveRow, values: readonly CurveValue[], frame: CurveFrame): TopLevelSpec {
  const epochs = Math.max(...values.map(({ epoch }) => epoch), row.epochs ?? 0, 2);
  const x = {
    field: "epoch",
    type: "quantitative",
    scale: { domain: [1, epochs] as number[], nice: false },
    axis: {
      values: [1, epochs] as number[],
      title: null,
      grid: false,
      labelFontSize: 9,
      labelFlush: true,
      tickSize: 3,
      format: "d",
    },
  } as const;
  const y = {
    field: "value",
    type: "quantitative",
    scale: { domain: [0, frame.top] as number[], clamp: true, nice: false },
    axis: {
      values: [...frame.ticks] as number[],
      title: null,
      format: frame.format,
      labelFontSize: 9,
      domain: false,
      ticks: false,
    },
  } as const;
  const line = (part: CurveValue["part"], stroke: string, strokeWidth: number, strokeDash: number[]) => ({
    data: { values: values.filter((value) => value.part === part && Number.isFinite(value.value)) },
    mark: { type: "line", stroke, strokeWidth, strokeDash } as const,
    encoding: { x, y, detail: { field: "line", type: "nominal" } } as const,
  });
  return {
    ...SIZE,
    autosize: { type: "none" },
    padding: PADDING,
    layer: [
      {
        data: { values: [{ value: frame.chance }] },
        mark: { type: "rule", stroke: "var(--soft)", strokeDash: [1, 3] },
        encoding: { y },
      },
      {
        data: { values: turnsOf(row).map((epoch) => ({ epoch })) },
        mark: { type: "rule", stroke: "var(--soft)", strokeWidth: 0.75 },
        encoding: { x },
      },
      line("train", "var(--soft)", 1, [3, 2]),
      line("validation", "var(--ink)", 1.6, []),
    ],
  };
}

/** First, best and last value of a curve, in words. */
function curveText(row: CurveRow, measure: "accuracy" | "loss"): string {
  const show = measure === "accuracy" ? percent : lossText;
  const words = drawnRuns(row).map(({ epochs, spec }) => {
    const values = epochs.map(({ validation }) => validation?.[measure] ?? Number.NaN);
    const trained = epochs.map(({ train }) => train[measure]);
    const from = (series: readonly number[]): string =>
      `${show(series[0] ?? Number.NaN)} to ${show(series.at(-1) ?? Number.NaN)}`;
    const held = values.every(Number.isNaN) ? "" : `validation from ${from(values)}, `;
    const seed = row.runs.length > 1 ? `seed ${spec.seed}: ` : "";
    return `${seed}${held}training from ${from(trained)} in ${epochs.length} epochs`;
  });
  const others = row.runs.length - words.length;
  return `Curve of the ${measure}: ${list(words)}${others === 0 ? "" : `; ${others} more seeds are not drawn`}.`;
}

/** The highest loss that curves show, of all rows: twice what guessing costs, or less where all stay below. */
export function lossTop(rows: readonly CurveRow[]): number {
  const classes = rows.reduce((most, { runs: [{ data }] }) => Math.max(most, data.classes.length), 2);
  const losses = rows.flatMap((row) => valuesOf(row.runs, "loss").map(({ value }) => value)).filter(Number.isFinite);
  const highest = losses.reduce((most, loss) => Math.max(most, loss), 0.1); // there may be millions of them
  return Math.min(2 * Math.log(classes), highest);
}

/** A row's curves, small: accuracy and loss on training and validation images, all rows on the same scales. */
export async function rowCurves(
  row: CurveRow,
  top: number,
): Promise<{ readonly accuracy: Markup; readonly loss: Markup }> {
  const classes = row.runs[0].data.classes.length;
  const draw = (measure: "accuracy" | "loss", frame: CurveFrame): Promise<Markup> =>
    plotMarkup(curveSpec(row, valuesOf(drawnRuns(row), measure), frame), curveText(row, measure));
  return {
    accuracy: await draw("accuracy", {
      top: 1,
      ticks: [0, 0.5, 1],
      format: ".0%",
      chance: guessingAccuracy(row, "validation"),
    }),
    loss: await draw("loss", { top, ticks: lossTicks(top), format: "", chance: Math.log(classes) }),
  };
}

/** Zero and the largest round number below the top. */
function lossTicks(top: number): readonly number[] {
  const step = [5, 2, 1, 0.5, 0.2, 0.1, 0.05].find((size) => size <= top / 1.1) ?? top;
  return [0, step];
}

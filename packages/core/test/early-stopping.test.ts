import { describe, expect, it } from "vitest";
import { EarlyStopping } from "../src/train/early-stopping.ts";
import { readGolden } from "./golden.ts";

interface Trace {
  /** null stands for NaN. */
  readonly values: readonly (number | null)[];
  readonly epochs: number;
  readonly stopped: boolean;
  readonly bestEpoch: number;
}

const traces = Object.entries(readGolden<{ traces: Readonly<Record<string, Trace>> }>("keras-early-stopping").traces);

/** What our callback makes of the same values; the best epoch is the last that improved. */
function drive(title: string, values: Trace["values"]): Omit<Trace, "values"> {
  const [, mode, patience, minDelta] = /, (min|max), patience (\d+), delta ([\d.]+)$/.exec(title) ?? [];
  const monitor = mode === "min" ? "validationLoss" : "validationAccuracy";
  const spec = { monitor, patience: Number(patience), minDelta: Number(minDelta), restoreBestWeights: true } as const;
  const stopping = new EarlyStopping(spec);
  let bestEpoch = 0;
  for (const [index, value] of values.entries()) {
    const { improved, stop } = stopping.observe({ [monitor]: value ?? Number.NaN, loss: -index, accuracy: index });
    if (improved) bestEpoch = index + 1;
    if (stop) return { epochs: index + 1, stopped: true, bestEpoch };
  }
  return { epochs: values.length, stopped: false, bestEpoch };
}

describe("EarlyStopping", () => {
  it("has traces that stop and traces that do not", () => {
    expect(traces).toHaveLength(144);
    expect(traces.filter(([, trace]) => trace.stopped).length).toBeGreaterThan(40);
    expect(traces.filter(([, trace]) => !trace.stopped).length).toBeGreaterThan(10);
  });

  it.each(traces)("does as Keras: %s", (title, { values, ...expected }) => {
    expect(drive(title, values)).toEqual(expected);
  });

  it("watches the training metrics by their names", () => {
    const watch = (monitor: "loss" | "accuracy"): readonly boolean[] => {
      const stopping = new EarlyStopping({ monitor, patience: 9, minDelta: 0, restoreBestWeights: false });
      return [0.5, 0.4, 0.6].map(
        (value) => stopping.observe({ loss: value, accuracy: value, validationLoss: 0 }).improved,
      );
    };
    expect(watch("loss")).toEqual([true, true, false]);
    expect(watch("accuracy")).toEqual([true, false, true]);
  });
});

import { describe, expect, it } from "vitest";
import type { LearningRateSpec, SpecInput } from "../src/spec/schema.ts";
import { initialLearningRate, learningRateAt } from "../src/train/schedule.ts";
import { readGolden } from "./golden.ts";
import { specWith } from "./spec-example.ts";

type RateInput = NonNullable<SpecInput["optimizer"]>["learningRate"];

interface SchedulesGolden {
  readonly schedules: Readonly<Record<string, { readonly spec: RateInput; readonly rates: readonly number[] }>>;
}

const golden = readGolden<SchedulesGolden>("keras-schedules");
const withDefaults = (rate: RateInput): LearningRateSpec =>
  specWith({ optimizer: { name: "sgd", ...(rate === undefined ? {} : { learningRate: rate }) } }).optimizer
    .learningRate;

describe("learningRateAt", () => {
  it.each(Object.entries(golden.schedules))("is Keras's: %s", (_title, { spec, rates }) => {
    const rate = withDefaults(spec);
    expect(rates).toHaveLength(15);
    expect(new Set(rates).size).toBeGreaterThan(3);
    // Keras computes schedules in float32, π and the decay rate too.
    const worst = Math.max(...rates.map((expected, step) => Math.abs(learningRateAt(rate, step) - expected)));
    expect(worst / Math.max(...rates)).toBeLessThan(2.5e-7);
  });

  it("is constant for a number", () => {
    expect([0, 1, 1e6].map((step) => learningRateAt(0.25, step))).toEqual([0.25, 0.25, 0.25]);
  });
});

describe("initialLearningRate", () => {
  it.each([
    [0.25, 0.25],
    [{ schedule: "cosine", initial: 0.5, decaySteps: 3, warmupSteps: 2, warmupTarget: 1 }, 0.5],
    [{ schedule: "exponential", initial: 0.75, decaySteps: 3, decayRate: 0.5 }, 0.75],
    [{ schedule: "piecewise", boundaries: [1], values: [0.1, 0.2] }, 0.1],
  ] as const)("of %j is %s", (rate, expected) => {
    const input =
      typeof rate === "number" || rate.schedule !== "piecewise"
        ? rate
        : { ...rate, boundaries: [1], values: [0.1, 0.2] };
    expect(initialLearningRate(withDefaults(input))).toBe(expected);
  });
});

import { describe, expect, it } from "vitest";
import { addBatch, argMax, means, noMetrics, predictedClasses } from "../src/train/metrics.ts";
import { median } from "../src/train/timing.ts";

describe("metrics", () => {
  it("predict the first of the largest probabilities of each row", () => {
    expect(predictedClasses(Float32Array.of(0.2, 0.5, 0.3, 0.4, 0.2, 0.4, 0.1, 0.1, 0.8), 3)).toEqual([1, 0, 2]);
    expect(argMax(Float32Array.of(-3, -1, -2))).toBe(1);
  });

  it("weigh images, not batches", () => {
    const sums = noMetrics();
    expect(addBatch(sums, Float32Array.of(1, 3), [0, 1], Int32Array.of(0, 0))).toBe(2);
    expect(addBatch(sums, Float32Array.of(5), [2], Int32Array.of(2))).toBe(5);
    expect(means(sums)).toEqual({ loss: 3, accuracy: 2 / 3 });
    expect(means(noMetrics())).toEqual({ loss: Number.NaN, accuracy: Number.NaN });
  });
});

describe("median", () => {
  it.each([
    [[], null],
    [[3], 3],
    [[10, 9, 100], 10],
    [[4, 1, 3, 2], 2.5],
  ])("of %j is %s", (values, expected) => {
    expect(median(values)).toBe(expected);
  });
});

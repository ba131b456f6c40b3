import type { Result } from "@thaw/core";
import { describe, expect, it } from "vitest";
import { mcnemarP, pairTest } from "../src/rows/pair-test.ts";
import { exampleResults, exampleRow, olderResult } from "./results-example.ts";

/** An example with every accuracy set. */
function withAccuracy(result: Result, cell: string, seed: number, accuracy: number): Result {
  const validation = { loss: 1, accuracy };
  return { ...result, cell, spec: { ...result.spec, seed }, final: { ...result.final, validation } };
}

const [FIRST] = exampleResults() as [Result, ...Result[]];

function rowOf(name: string, accuracies: readonly number[]) {
  const spec = { ...FIRST.spec, batchSize: name === "a" ? 1 : 2 };
  return exampleRow(
    name,
    accuracies.map((accuracy, seed) => withAccuracy({ ...FIRST, spec }, `${name}-${seed}`, seed, accuracy)),
  );
}

describe("mcnemarP", () => {
  it("is the exact two-sided p of the images that the two disagree on", () => {
    expect(mcnemarP(10, 2)).toBeCloseTo((2 * (1 + 12 + 66)) / 4096, 12);
    expect(mcnemarP(2, 10)).toBe(mcnemarP(10, 2));
    expect(mcnemarP(3, 3)).toBe(1);
    expect(mcnemarP(0, 0)).toBe(1);
  });
});

describe("pairTest", () => {
  it("pairs by seed and finds a difference that every seed shows", () => {
    const pairs = pairTest(rowOf("a", [0.7, 0.6, 0.8]), rowOf("b", [0.6, 0.51, 0.69]));
    expect(pairs).toMatchObject({ kind: "seeds", seeds: [0, 1, 2], decided: true });
    expect(pairs?.kind === "seeds" ? pairs.mean : 0).toBeCloseTo(0.1, 12);
  });

  it("leaves a difference open that changes with the seed", () => {
    expect(pairTest(rowOf("a", [0.7, 0.6, 0.8]), rowOf("b", [0.6, 0.65, 0.5]))).toMatchObject({ decided: false });
  });

  it("says nothing of noise from two seeds, however alike their differences", () => {
    expect(pairTest(rowOf("a", [0.7, 0.6]), rowOf("b", [0.6, 0.5]))).toMatchObject({ kind: "seeds", decided: null });
  });

  it("compares one seed image by image", () => {
    const [best, next] = [exampleRow("shoes-depth-freeze-0_seed-0"), exampleRow("shoes-depth-freeze-154_seed-0")];
    const pairs = pairTest(best, next);
    if (pairs?.kind !== "images") throw new Error("not by image");
    expect(pairs.images).toBe(61);
    const [ours, theirs] = [best.runs[0], next.runs[0]].map(({ final }) => (final.validation?.accuracy ?? 0) * 61);
    expect(pairs.firstOnly - pairs.secondOnly).toBeCloseTo((ours ?? 0) - (theirs ?? 0), 9);
    expect(pairs.p).toBe(mcnemarP(pairs.firstOnly, pairs.secondOnly));
  });

  it("pairs nothing across seeds, nor images that are not told", () => {
    const [first, second] = [exampleRow("shoes-depth-freeze-0_seed-0"), exampleRow("shoes-depth-freeze-100_seed-1")];
    expect(pairTest(first, second)).toBeNull();
    const older = exampleRow("shoes-depth-freeze-154", exampleResults().map(olderResult));
    expect(pairTest(first, older)).toBeNull();
  });
});

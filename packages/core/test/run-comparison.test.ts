import { describe, expect, it } from "vitest";
import { compareRuns } from "../src/parity/run-comparison.ts";
import type { Result } from "../src/runner/result.ts";

/** The part of a result that a comparison reads. */
function result(change: Partial<Result> = {}): Result {
  const epoch = (loss: number): object => ({ epoch: 1, train: { loss, accuracy: 0.5 } });
  const base = {
    planHash: "plan",
    digests: { initial: "i", final: "f", frozen: { tensors: 1, before: "z", after: "z" } },
    epochs: [epoch(2), { ...epoch(1), epoch: 2 }],
    final: { validation: { loss: 1, accuracy: 0.75 }, test: null },
    predictions: { validation: [0, 1, 2, 1], test: [] },
  };
  return { ...base, ...change } as unknown as Result;
}

describe("comparing two runs", () => {
  it("finds nothing between a run and itself", () => {
    expect(compareRuns(result(), result())).toEqual({
      identity: { plan: true, initialWeights: true, frozenWeights: true },
      loss: { difference: 0, at: "epoch 1" },
      accuracy: { validation: 0, test: null },
      predictions: { equal: 4, images: 4 },
    });
  });

  it("names the epoch with the largest difference, or the step where both recorded steps", () => {
    const epochs = [
      { epoch: 1, train: { loss: 2.002, accuracy: 0 } },
      { epoch: 2, train: { loss: 1.1, accuracy: 0 } },
    ] as unknown as Result["epochs"];
    const { loss } = compareRuns(result(), result({ epochs }));
    expect(loss.at).toBe("epoch 2");
    expect(loss.difference).toBeCloseTo(0.1, 12);
    const steps = (...losses: number[]): NonNullable<Result["steps"]> =>
      losses.map((value, at) => ({ epoch: 1, step: at + 1, loss: value }));
    const byStep = compareRuns(result({ steps: steps(4, 2, 1) }), result({ steps: steps(4, 2.5, 1) }));
    expect(byStep.loss).toEqual({ difference: 0.25, at: "step 2" });
    expect(compareRuns(result({ steps: steps(4) }), result()).loss.at).toBe("epoch 1");
  });

  it("takes a loss that is missing or no number for as far apart as can be", () => {
    const short = result({ epochs: result().epochs.slice(0, 1) });
    expect(compareRuns(result(), short).loss).toEqual({ difference: Number.POSITIVE_INFINITY, at: "epoch 2" });
    const broken = [{ epoch: 1, train: { loss: Number.NaN, accuracy: 0 } }] as unknown as Result["epochs"];
    expect(compareRuns(result(), result({ epochs: broken })).loss.difference).not.toBeLessThan(1);
  });

  it("tells what was not the same from the start, and counts predictions", () => {
    const digests = { initial: "other", final: "f", frozen: { tensors: 1, before: "y", after: "y" } };
    const predictions = { validation: [0, 1, 2, 2], test: [] };
    const found = compareRuns(result(), result({ planHash: "p", digests, predictions }));
    expect(found.identity).toEqual({ plan: false, initialWeights: false, frozenWeights: false });
    expect(found.predictions).toEqual({ equal: 3, images: 4 });
  });
});

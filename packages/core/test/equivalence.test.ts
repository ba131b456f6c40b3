import { describe, expect, it } from "vitest";
import { compareOutcomes, outcomeRung } from "../src/parity/equivalence.ts";
import type { Result } from "../src/runner/result.ts";
import { failureOf } from "./failure.ts";

const PAIR = { runner: "webgpu", reference: "keras", depth: "100" };

/** The part of a result that rung L5 reads. */
function outcome(seed: number, accuracy: number, change: Partial<Result> = {}): Result {
  const base = {
    spec: { seed },
    planHash: `plan of seed ${seed}`,
    digests: { initial: "i", final: "f", frozen: { tensors: 1, before: "z", after: "z" } },
    epochs: [{ epoch: 1, train: { loss: 1, accuracy: 0.5 } }],
    final: { validation: null, test: { loss: 1, accuracy } },
    predictions: { validation: [0, 1], test: [2, seed % 3] },
  };
  return { ...base, ...change } as unknown as Result;
}

const outcomes = (...accuracies: number[]): Result[] => accuracies.map((accuracy, seed) => outcome(seed, accuracy));

describe("equivalence of outcomes", () => {
  it("compares in percentage points, seed by seed, in any order", () => {
    const ours = outcomes(0.8, 0.79, 0.81, 0.8).reverse();
    const found = compareOutcomes(PAIR, ours, outcomes(0.8, 0.795, 0.805, 0.801));
    expect(found).toMatchObject({ ...PAIR, seeds: [0, 1, 2, 3], delta: 1, alpha: 0.05, equivalent: true });
    expect(found.differences.map((value) => Number(value.toFixed(6)))).toEqual([0, -0.5, 0.5, -0.1]);
    expect(found.meanDifference).toBeCloseTo(-0.025, 10);
    expect(found.accuracies.runner).toEqual([80, 79, 81, 80]);
    expect(found.power).toBeGreaterThan(0.9);
    expect(found.seedsNeeded).toBe(4);
  });

  it("counts the predictions that agree over all seeds", () => {
    const changed = outcome(1, 0.8, { predictions: { validation: [0, 0], test: [2, 1] } });
    const found = compareOutcomes(PAIR, [outcome(0, 0.8), changed], outcomes(0.8, 0.8));
    expect(found.agreement).toEqual({ equal: 7, images: 8 });
  });

  it("names the seeds that are missing on either side, and doubled ones", async () => {
    const error = await failureOf(() =>
      compareOutcomes(PAIR, outcomes(0.8, 0.8, 0.8), [outcome(1, 0.8), outcome(7, 0.8)]),
    );
    expect(error.code).toBe("seeds-unpaired");
    expect(error.message).toContain('"webgpu" lacks 7; "keras" lacks 0, 2');
    expect(error.details).toEqual({ missing: { webgpu: [7], keras: [0, 2] } });
    const twice = await failureOf(() => compareOutcomes(PAIR, [outcome(3, 1), outcome(3, 1)], outcomes(1, 1)));
    expect(twice.message).toContain("two results for seed 3");
  });

  it("refuses one seed, none, other plans, and runs without a test part", async () => {
    const code = async (ours: Result[], theirs: Result[]): Promise<string> =>
      (await failureOf(() => compareOutcomes(PAIR, ours, theirs))).code;
    expect(await code(outcomes(0.8), outcomes(0.8))).toBe("seeds-too-few");
    expect(await code([], [])).toBe("seeds-too-few");
    expect(await code(outcomes(0.8, 0.8), [outcome(0, 0.8), outcome(1, 0.8, { planHash: "other" })])).toBe(
      "plans-differ",
    );
    const untested = outcome(1, 0.8, { final: { validation: null, test: null } as unknown as Result["final"] });
    expect(await code([outcome(0, 0.8), untested], outcomes(0.8, 0.8))).toBe("accuracy-missing");
    expect(await code(outcomes(0.8, Number.NaN), outcomes(0.8, 0.8))).toBe("accuracy-invalid");
  });
});

describe("the verdict of rung L5", () => {
  const verdict = (...differences: number[]): ReturnType<typeof outcomeRung> =>
    outcomeRung(
      compareOutcomes(
        PAIR,
        outcomes(...differences.map((value) => 0.8 + value / 100)),
        outcomes(...differences.map(() => 0.8)),
      ),
    );

  it("passes where the far end of the interval is within delta", () => {
    const found = verdict(0.1, -0.3, 0.2, 0, -0.1, 0.3);
    expect(found).toMatchObject({
      rung: "L5",
      runner: "webgpu",
      depth: "100",
      status: "pass",
      failed: 0,
      failures: [],
    });
    expect(found.worst?.bound).toBe(1);
    expect(found.worst?.value).toBeCloseTo(0.211044, 5);
    expect(found.note).toMatch(/^\+0\.03 pp over 6 seeds, 90 % interval −0\.14 to \+0\.21 pp, 24 of 24 predictions/);
  });

  it("is undecided, and failed, where the interval holds 0 and a bound: it says how many seeds are needed", () => {
    const found = verdict(1.5, -1.2, 0.4, -0.6);
    expect(found.status).toBe("fail");
    expect(found.failures).toEqual([found.worst]);
    expect(found.note).toMatch(/^undecided: 17 seeds needed for 90 % power at a deviation of 1\.1[0-9] pp;/);
    expect(verdict(9, -8, 7, -9).note).toMatch(/^undecided: 200 seeds do not give 90 % power/);
  });

  it("tells a difference from a lack of seeds", () => {
    expect(verdict(2, 2.2, 1.9, 2.1).note).toMatch(/^different: the whole interval is beyond ±1 pp;/);
    const worse = verdict(-2, -2.2, -1.9, -2.1);
    expect(worse).toMatchObject({ status: "fail", failed: 1, note: expect.stringMatching(/^different: /) });
    expect(worse.worst?.value).toBeCloseTo(2.2019, 3);
    expect(verdict(0.9, 0.6, 1.3, 1).note).toMatch(/^not the same: the interval leaves out 0/);
  });

  it("says that a point is no interval", () => {
    const found = verdict(0.5, 0.5, 0.5);
    expect(found.status).toBe("pass");
    expect(found.worst?.value).toBeCloseTo(0.5, 10);
    expect(found.note).toMatch(/every seed has the same difference$/);
  });
});

import { describe, expect, it } from "vitest";
import { guessingAccuracy } from "../src/rows/guessing.ts";
import { wilsonInterval } from "../src/rows/proportion.ts";
import { scoreOf, underTrainedRuns } from "../src/rows/score.ts";
import { exampleResults, exampleRow, olderResult } from "./results-example.ts";

describe("wilsonInterval", () => {
  // statsmodels 0.14: proportion_confint(8, 10, method="wilson")
  it("gives statsmodels' figures", () => {
    const [low, high] = wilsonInterval(8, 10);
    expect(low).toBeCloseTo(0.4901625, 6);
    expect(high).toBeCloseTo(0.9433178, 6);
  });

  it("stays within 0 and 1 at the ends", () => {
    expect(wilsonInterval(0, 20)[0]).toBe(0);
    expect(wilsonInterval(0, 20)[1]).toBeCloseTo(0.1611252, 6);
    expect(wilsonInterval(20, 20)[1]).toBe(1);
  });
});

describe("scoreOf", () => {
  it("counts the photos of each seed, and takes the mean with Student's interval", () => {
    const score = scoreOf(exampleRow("shoes-depth-freeze-0"), "validation");
    expect(score?.counts).toEqual([
      { seed: 0, correct: 20, images: 61 },
      { seed: 1, correct: 25, images: 60 },
      { seed: 2, correct: 30, images: 66 },
    ]);
    const shares = [20 / 61, 25 / 60, 30 / 66];
    const mean = shares.reduce((sum, share) => sum + share, 0) / 3;
    const deviation = Math.sqrt(shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / 2);
    const margin = (4.302652729911275 * deviation) / Math.sqrt(3); // t of 2 degrees of freedom, 97.5 %
    expect(score?.accuracy).toBeCloseTo(mean, 12);
    expect(score?.interval[0]).toBeCloseTo(mean - margin, 6);
    expect(score?.interval[1]).toBeCloseTo(mean + margin, 6);
    expect(score?.allowsFor).toBe("seeds");
  });

  it("takes Wilson's interval for one seed, and where all seeds reach the same", () => {
    const [first] = exampleRow("shoes-depth-freeze-0").runs;
    const one = scoreOf(exampleRow("shoes-depth-freeze-0_seed-0"), "test");
    expect(one?.interval).toEqual(wilsonInterval(22, 75));
    const twice = [0, 1].map((seed) => ({ ...first, spec: { ...first.spec, seed }, cell: `same-${seed}` }));
    const same = scoreOf(exampleRow("same", twice), "test");
    expect(same?.counts.length).toBe(2);
    expect(same?.interval).toEqual(wilsonInterval(22, 75));
  });

  it("says null where a run has no such part", () => {
    const [first] = exampleResults();
    if (first === undefined) throw new Error("no example");
    const without = { ...first, final: { ...first.final, test: null }, data: { ...first.data, test: 0 } };
    expect(scoreOf(exampleRow("shoes", [without]), "test")).toBeNull();
  });
});

describe("guessingAccuracy", () => {
  it("is the share of the commonest class, or of one class where the labels are not told", () => {
    const row = exampleRow("shoes-depth-freeze-0_seed-0");
    const labels = row.runs[0].data.heldOut?.validation.labels ?? [];
    const commonest = Math.max(...[0, 1, 2, 3, 4, 5].map((index) => labels.filter((label) => label === index).length));
    expect(guessingAccuracy(row, "validation")).toBe(commonest / labels.length);
    const older = exampleRow("shoes", row.runs.map(olderResult));
    expect(guessingAccuracy(older, "validation")).toBe(1 / 6);
  });
});

describe("underTrainedRuns", () => {
  it("counts the runs that never left chance", () => {
    expect(underTrainedRuns(exampleRow("shoes-depth-freeze-0"))).toBe(0);
    const results = exampleResults().map((result, index) => ({ ...result, underTrained: index === 1 }));
    expect(underTrainedRuns(exampleRow("shoes-depth-freeze-0", results))).toBe(1);
  });
});

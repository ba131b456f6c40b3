import { describe, expect, it } from "vitest";
import { chooseSubset } from "../src/data/subset.ts";

function countsOf(labels: readonly number[], chosen: readonly number[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const index of chosen) counts[labels[index] ?? -1] = (counts[labels[index] ?? -1] ?? 0) + 1;
  return counts;
}

function labelsOf(...sizes: number[]): number[] {
  return sizes.flatMap((size, label) => new Array<number>(size).fill(label));
}

describe("chooseSubset", () => {
  it("takes all without a limit, and where the limit is not reached", () => {
    expect(chooseSubset([1, 0, 1], undefined, 0)).toEqual([0, 1, 2]);
    expect(chooseSubset([1, 0, 1], 3, 0)).toEqual([0, 1, 2]);
    expect(chooseSubset([1, 0, 1], 99, 0)).toEqual([0, 1, 2]);
  });

  // Sainte-Laguë by hand: 92/63/55/51/51/34 at 60 gives exact shares 15.95, 10.92, 9.54, 8.84, 8.84, 5.90.
  it.each([
    [[50, 50], 10, { 0: 5, 1: 5 }],
    [[75, 25], 8, { 0: 6, 1: 2 }],
    [[92, 63, 55, 51, 51, 34], 60, { 0: 16, 1: 11, 2: 9, 3: 9, 4: 9, 5: 6 }],
    [[1000, 1, 1], 5, { 0: 3, 1: 1, 2: 1 }],
    [[3, 3, 3], 4, { 0: 2, 1: 1, 2: 1 }],
    [[100, 1], 100, { 0: 99, 1: 1 }],
  ])("shares %j at limit %i as %j", (sizes, limit, expected) => {
    const labels = labelsOf(...sizes);
    const chosen = chooseSubset(labels, limit, 5);
    expect(chosen).toHaveLength(limit);
    expect(countsOf(labels, chosen)).toEqual(expected);
  });

  it("keeps the order, names no image twice, and depends on the seed only", () => {
    const labels = Array.from({ length: 200 }, (_, index) => index % 3);
    const chosen = chooseSubset(labels, 50, 7);
    expect(chosen).toEqual([...new Set(chosen)].sort((first, second) => first - second));
    expect(chooseSubset(labels, 50, 7)).toEqual(chosen);
    expect(chooseSubset(labels, 50, 8)).not.toEqual(chosen);
  });

  it("chooses among the images of a larger limit", () => {
    const labels = Array.from({ length: 200 }, (_, index) => index % 4);
    const larger = new Set(chooseSubset(labels, 100, 7));
    expect(chooseSubset(labels, 40, 7).every((index) => larger.has(index))).toBe(true);
  });

  it("skips classes without images", () => {
    expect(chooseSubset([5, 5, 2, 2], 2, 0)).toHaveLength(2);
    expect(() => chooseSubset([5, 5, 2, 2], 1, 0)).toThrow("data.limit is 1, but the set has 2 classes.");
  });
});

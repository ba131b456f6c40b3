import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { randomStream } from "../src/data/random.ts";

interface Reference {
  readonly streams: readonly { readonly seed: number; readonly label: string; readonly words: readonly number[] }[];
  readonly uniform: readonly number[];
  readonly below: readonly { readonly n: number; readonly values: readonly number[] }[];
  readonly shuffle: readonly { readonly n: number; readonly order: readonly number[] }[];
}

// Written by fixtures/random_reference.py, which checks itself against published vectors.
const reference = JSON.parse(readFileSync(new URL("fixtures/random.json", import.meta.url), "utf8")) as Reference;

function take<T>(count: number, next: () => T): T[] {
  return Array.from({ length: count }, next);
}

describe("randomStream", () => {
  it.each(reference.streams)("gives the reference's words for seed $seed, label '$label'", ({ seed, label, words }) => {
    expect(take(words.length, randomStream(seed, label).nextUint32)).toEqual(words);
  });

  it("gives the reference's uniform numbers, exact in float32", () => {
    const stream = randomStream(7, "uniform");
    const values = take(reference.uniform.length, stream.uniform);
    expect(values).toEqual(reference.uniform);
    expect(values.map(Math.fround)).toEqual(values);
  });

  it.each(reference.below)("gives the reference's integers below $n", ({ n, values }) => {
    const stream = randomStream(7, `below/${n}`);
    expect(take(values.length, () => stream.below(n))).toEqual(values);
  });

  it.each(reference.shuffle)("shuffles $n items as the reference", ({ n, order }) => {
    const items = take(n, () => 0).map((_, index) => index);
    expect(randomStream(7, "shuffle").shuffle(items)).toBe(items);
    expect(items).toEqual(order);
  });

  it("is uniform: chi-squared of 16 bins, of small remainders and of shuffled positions", () => {
    const stream = randomStream(3, "uniformity");
    const chiSquared = (counts: readonly number[]): number => {
      const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
      return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    };
    const tally = (bins: number, next: () => number): number[] => {
      const counts = new Array<number>(bins).fill(0);
      for (let draw = 0; draw < 20_000; draw += 1) {
        const bin = next();
        counts[bin] = (counts[bin] ?? 0) + 1;
      }
      return counts;
    };
    expect(chiSquared(tally(16, () => Math.floor(stream.uniform() * 16)))).toBeLessThan(37.7); // p = 0.001, 15 degrees
    expect(chiSquared(tally(7, () => stream.below(7)))).toBeLessThan(22.5); // 6 degrees
    expect(chiSquared(tally(5, () => stream.shuffle([0, 1, 2, 3, 4]).indexOf(0)))).toBeLessThan(18.5); // 4 degrees
  });

  it("keeps the streams of one seed, and of one label, apart", () => {
    const first = (seed: number, label: string): string => take(4, randomStream(seed, label).nextUint32).join();
    const labels = take(500, () => 0).map((_, index) => first(1, `order/${index}`));
    const seeds = take(500, () => 0).map((_, index) => first(index, "order"));
    expect(new Set([...labels, ...seeds]).size).toBe(1000);
  });

  it.each([-1, 0.5, 2 ** 32, Number.NaN])("refuses seed %s", (seed) => {
    expect(() => randomStream(seed, "x")).toThrow(RangeError);
  });

  it.each([0, -1, 1.5, 2 ** 32 + 1])("refuses below(%s)", (n) => {
    expect(() => randomStream(0, "x").below(n)).toThrow(RangeError);
  });
});

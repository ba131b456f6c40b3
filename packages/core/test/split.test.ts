import { describe, expect, it } from "vitest";
import type { Dataset } from "../src/data/dataset.ts";
import { type Splits, splitDataset } from "../src/data/split.ts";
import type { SplitSpec } from "../src/spec/schema.ts";
import { failureOf } from "./failure.ts";
import { readGolden } from "./golden.ts";

function dataset(labels: readonly number[], groups?: readonly string[]): Dataset {
  const ids = labels.map((_, index) => `image-${index}`);
  return {
    source: "the test",
    classes: ["a", "b", "c"],
    imageShape: [1, 1, 3],
    shards: [],
    labels,
    ids,
    hashes: ids,
    ...(groups === undefined ? {} : { groups }),
    decoding: {},
  };
}

/** 30 of class 0, 20 of class 1, 10 of class 2, mixed. */
const MIXED = Array.from({ length: 60 }, (_, index) => [0, 1, 0, 2, 0, 1][index % 6] ?? 0);
/** 20 photographers of 1 to 5 images. */
const GROUPS = Array.from({ length: 60 }, (_, index) => `p${Math.floor(Math.sqrt(index * 6.7))}`);

const split = (fields: Partial<SplitSpec>): SplitSpec => ({ validation: 0.2, test: 0, by: "last", ...fields });

/** Every image once, each part ascending. */
function expectPartition(splits: Splits, count: number): void {
  const all = [...splits.train, ...splits.validation, ...splits.test];
  expect([...all].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, index) => index));
  for (const part of [splits.train, splits.validation, splits.test]) {
    expect(part).toEqual([...part].sort((a, b) => a - b));
  }
}

const classCounts = (part: readonly number[]): readonly number[] =>
  [0, 1, 2].map((label) => part.filter((index) => MIXED[index] === label).length);

describe("every split", () => {
  const bys = ["last", "stratified", "group"] as const;

  it.each(bys)("by %s puts each image into one part", (by) => {
    const splits = splitDataset(dataset(MIXED, GROUPS), split({ by, validation: 0.25, test: 0.2 }), 1);
    expectPartition(splits, 60);
    expect(splits.test.length).toBeGreaterThanOrEqual(10);
    expect(splits.test.length).toBeLessThanOrEqual(14);
    expect(Math.abs(splits.validation.length - (60 - splits.test.length) * 0.25)).toBeLessThan(3);
  });

  it.each(bys)("by %s is the same for a seed", (by) => {
    const make = (seed: number): Splits => splitDataset(dataset(MIXED, GROUPS), split({ by, test: 0.2 }), seed);
    expect(make(3)).toEqual(make(3));
    if (by === "last") expect(make(4)).toEqual(make(3));
    else expect(make(4)).not.toEqual(make(3));
  });

  it.each(bys)("by %s leaves parts empty that nobody asked for", (by) => {
    const splits = splitDataset(dataset(MIXED, GROUPS), split({ by, validation: 0 }), 1);
    expect([splits.train.length, splits.validation, splits.test]).toEqual([60, [], []]);
  });
});

describe("by last", () => {
  const golden = readGolden<{ splits: Record<string, readonly [count: number, share: number, train: number | null]> }>(
    "keras-data",
  );

  it.each(Object.values(golden.splits))("%s images, %s: Keras trains on the first %s", async (count, share, train) => {
    const make = (): Splits => splitDataset(dataset(new Array<number>(count).fill(0)), split({ validation: share }), 0);
    if (train === null) {
      expect((await failureOf(make)).code).toBe("split-invalid");
      return;
    }
    expect(make().train).toEqual(Array.from({ length: train }, (_, index) => index));
    expectPartition(make(), count);
  });

  it("takes the test share first and the validation share of the rest", () => {
    const splits = splitDataset(dataset(MIXED), split({ validation: 0.5, test: 0.1 }), 0);
    expect(splits.test).toEqual([54, 55, 56, 57, 58, 59]);
    expect(splits.validation[0]).toBe(27);
  });
});

describe("by stratified", () => {
  it("keeps the share of every class", () => {
    const splits = splitDataset(dataset(MIXED), split({ by: "stratified", validation: 0.2, test: 0.1 }), 7);
    expect(classCounts(splits.test)).toEqual([3, 2, 1]);
    expect(classCounts(splits.validation)).toEqual([5, 4, 2]); // of 27, 18, 9
  });

  it("takes one of a class that has two, none of a class that has one", () => {
    const splits = splitDataset(dataset([0, 0, 1, 2, 2, 2, 2, 2]), split({ by: "stratified", validation: 0.1 }), 7);
    expect(splits.validation.map((index) => [0, 0, 1, 2, 2, 2, 2, 2][index])).toEqual([0, 2]);
  });

  it("leaves one of each class to train on, however large the share", () => {
    const splits = splitDataset(dataset(MIXED), split({ by: "stratified", validation: 0.99 }), 7);
    expect(classCounts(splits.train)).toEqual([1, 1, 1]);
  });

  it("moves no other class when one grows", () => {
    const validation = (labels: readonly number[]): readonly number[] =>
      splitDataset(dataset(labels), split({ by: "stratified" }), 7).validation.filter((index) => labels[index] === 0);
    expect(validation([...MIXED, 2, 2, 2, 2, 2])).toEqual(validation(MIXED));
  });
});

describe("by group", () => {
  it.each([1, 2, 3, 4, 5])("never splits a group (seed %s)", (seed) => {
    const splits = splitDataset(dataset(MIXED, GROUPS), split({ by: "group", validation: 0.25, test: 0.2 }), seed);
    const groups = [splits.train, splits.validation, splits.test].map((part) => new Set(part.map((i) => GROUPS[i])));
    const sizes = groups.reduce((sum, names) => sum + names.size, 0);
    expect(sizes).toBe(new Set(GROUPS).size);
    expect(groups.every((names) => names.size > 0)).toBe(true);
  });

  it("does not depend on the order in which groups appear", () => {
    const renumbered = GROUPS.map((name) => name).reverse();
    const make = (labels: readonly number[], groups: readonly string[]): Set<string | undefined> =>
      new Set(splitDataset(dataset(labels, groups), split({ by: "group" }), 2).validation.map((i) => groups[i]));
    expect(make([...MIXED].reverse(), renumbered)).toEqual(make(MIXED, GROUPS));
  });

  it("needs groups", async () => {
    const error = await failureOf(() => splitDataset(dataset(MIXED), split({ by: "group" }), 1));
    expect(error.code).toBe("split-invalid");
    expect(error.message).toBe('split.by is "group", but the test names no groups.');
  });
});

describe("an empty part", () => {
  it.each([
    ["validation", split({ by: "group" }), ["p", "p", "p"]],
    ["train", split({ validation: 0.9 }), ["p", "q", "r"]],
    ["test", split({ test: 0.3, validation: 0, by: "stratified" }), ["p", "q", "r"]],
  ] as const)("%s is an error", async (part, spec, groups) => {
    const labels = part === "test" ? [0, 1, 2] : [0, 0, 0];
    const error = await failureOf(() => splitDataset(dataset(labels, groups), spec, 1));
    expect(error.code).toBe("split-invalid");
    expect(error.message).toBe(`The ${part} part of the test (3 images) is empty.`);
  });

  it("comes from no images", async () => {
    expect((await failureOf(() => splitDataset(dataset([]), split({}), 1))).message).toContain("train part");
  });
});

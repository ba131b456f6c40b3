import { describe, expect, it } from "vitest";
import { classesMissing, duplicatesAcrossSplits, duplicateWarnings } from "../src/data/duplicates.ts";

const dataset = {
  classes: ["boots", "sandals", "clogs"],
  ids: ["b/1", "b/2", "s/1", "s/2", "c/1"],
  labels: [0, 0, 1, 1, 2],
  hashes: ["x", "y", "x", "z", "y"],
};

describe("duplicatesAcrossSplits", () => {
  it("names an image of one split with its copy in another", () => {
    expect(duplicatesAcrossSplits(dataset, { train: [0, 1, 3], validation: [2], test: [4] })).toEqual([
      {
        code: "duplicate-across-splits",
        message: "The same image lies in more than one split (2 such images), so held-out figures are too good.",
        items: ["train: b/1 = validation: s/1", "train: b/2 = test: c/1"],
      },
    ]);
  });

  it("is silent about copies within one split, and without copies", () => {
    expect(duplicatesAcrossSplits(dataset, { train: [0, 2], validation: [3, 4] })).toEqual([]);
    expect(duplicatesAcrossSplits(dataset, {})).toEqual([]);
  });

  it("finds an index that is in two splits", () => {
    const [warning] = duplicatesAcrossSplits(dataset, { train: [3], test: [3] });
    expect(warning?.items).toEqual(["train: s/2 = test: s/2"]);
  });

  it("refuses an index outside the set", () => {
    expect(() => duplicatesAcrossSplits(dataset, { train: [5] })).toThrow(RangeError);
  });
});

describe("classesMissing", () => {
  it("names the classes that a split lacks, and leaves an empty split alone", () => {
    expect(classesMissing(dataset, { train: [0, 2, 4], validation: [1], test: [] })).toEqual([
      {
        code: "class-missing-in-split",
        message: 'The split "validation" has no image of 2 of the 3 classes: sandals, clogs.',
        items: ["sandals", "clogs"],
      },
    ]);
  });
});

describe("duplicateWarnings", () => {
  it("tells conflicting labels from mere copies", () => {
    expect(duplicateWarnings(dataset).map(({ items }) => items)).toEqual([["b/1 = s/1", "b/2 = c/1"]]);
    expect(duplicateWarnings({ ...dataset, labels: [0, 0, 0, 1, 2] }).map(({ items }) => items)).toEqual([
      ["b/2 = c/1"],
      ["b/1 = s/1"],
    ]);
    expect(duplicateWarnings({ ...dataset, hashes: ["1", "2", "3", "4", "5"] })).toEqual([]);
  });
});

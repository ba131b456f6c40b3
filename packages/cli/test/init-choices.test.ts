import { buildNetwork, checkGroups, expandGroup, parseSpec, parseSweep, resolveFreeze, type Spec } from "@thaw/core";
import { describe, expect, it } from "vitest";
import { heldOutOf, marginAt80 } from "../src/init/held-out.ts";
import type { PhotoSet } from "../src/init/photo-set.ts";
import { type ChosenSpec, chooseSpec, ENOUGH_FOR_BLOCKS } from "../src/init/spec-choices.ts";
import { chooseSweep } from "../src/init/sweep-choices.ts";
import { trainingLength } from "../src/init/training-length.ts";

const MODEL = { alpha: 1, imageSize: 160, weights: "imagenet" } as const;

/** A set with so many images in each class. */
function setOf(sizes: readonly number[], changes: Partial<PhotoSet> = {}): PhotoSet {
  return {
    classes: sizes.map((_, index) => `class ${index}`),
    labels: sizes.flatMap((size, label) => Array.from({ length: size }, () => label)),
    unreadable: 0,
    ...changes,
  };
}

/** Images shared out evenly. */
function even(images: number, classes: number): PhotoSet {
  return setOf(Array.from({ length: classes }, (_, label) => Math.floor((images + label) / classes)));
}

function choose(set: PhotoSet): { readonly chosen: ChosenSpec; readonly spec: Spec } {
  const chosen = chooseSpec(set, MODEL, { name: "photos", dataPath: "../photos" });
  return { chosen, spec: parseSpec(chosen.spec) };
}

const SIZES = [20, 60, 300, 5000].flatMap((images) =>
  [2, 6, 50].filter((classes) => images >= 3 * classes).map((classes) => [images, classes] as const),
);

describe("the defaults for a set", () => {
  it.each(SIZES)(
    "of %i images in %i classes make a valid spec and sweep, with a reason for each field",
    (images, classes) => {
      const { chosen, spec } = choose(even(images, classes));
      const named = chosen.choices.map(({ field }) => field).join(" ");
      for (const field of ["split", "freeze", "batchSize", "epochs", "augmentation", "earlyStopping", "batchNorm"]) {
        expect(named.includes(field) || (field === "freeze" && named.includes("phases")), field).toBe(true);
      }
      for (const { value, why } of chosen.choices)
        expect([value, why].every((text) => /^[^{}]+$/.test(text) && !text.includes("NaN"))).toBe(true);
      expect(spec.data).toMatchObject({ kind: "folder", path: "../photos" });

      const chosenSweep = chooseSweep(chosen, "photos-sweep");
      const sweep = parseSweep(chosenSweep.sweep);
      checkGroups(sweep);
      const [depth, rate] = sweep.groups;
      if (depth === undefined || rate === undefined) throw new Error("two groups were expected");
      expect(expandGroup(sweep, depth).map((cell) => cell.spec.freeze)).toEqual([154, 100, 50, 0]);
      expect(expandGroup(sweep, rate, 100).length).toBeGreaterThan(2);
      expect(rate.bestOf).toBe("depth");
    },
  );

  it.each([
    [20, 2, { batchSize: 8, share: 0.2, steps: 2, epochs: 60 }],
    [60, 3, { batchSize: 8, share: 0.2, steps: 5, epochs: 60 }],
    [346, 6, { batchSize: 16, share: 0.2, steps: 14, epochs: 22 }],
    [1000, 50, { batchSize: 16, share: 0.15, steps: 44, epochs: 10 }],
    [5000, 6, { batchSize: 32, share: 0.1, steps: 127, epochs: 10 }],
  ])("of %i images in %i classes fit its size: %j", (images, classes, { batchSize, share, steps, epochs }) => {
    const { spec } = choose(even(images, classes));
    const { trainImages } = heldOutOf(even(images, classes), 0);
    expect(spec.batchSize).toBe(batchSize);
    expect([spec.split.test, spec.split.validation]).toEqual([share, share]);
    expect(Math.ceil(trainImages / batchSize)).toBe(steps);
    expect(spec.phases?.[0]?.epochs ?? spec.epochs).toBe(epochs);
  });

  it("train the head alone where there are few images, and the last blocks after it where there are many", () => {
    const small = choose(even(300, 6)).spec;
    expect([small.freeze, small.optimizer.learningRate, small.phases]).toEqual([154, 1e-3, undefined]);
    const large = choose(even(5000, 6)).spec;
    expect(large.phases).toMatchObject([
      { name: "head", freeze: 154, optimizer: { learningRate: 1e-3 } },
      { name: "blocks" },
    ]);
    expect([large.freeze, large.optimizer.learningRate]).toEqual(["block_13_expand", 1e-5]);
    expect(heldOutOf(even(5000, 6), 0).trainImages).toBeGreaterThan(ENOUGH_FOR_BLOCKS);
  });

  it("freeze every layer with weights by 154", () => {
    const { base, head } = buildNetwork(choose(even(60, 3)).spec.model, 3);
    const policy = { frozenBatchNorm: "inference", batchNorm: "inference-all" } as const;
    const trains = resolveFreeze(154, base.layers, head, policy).filter(({ trainableParams }) => trainableParams > 0);
    expect(trains.map(({ name }) => name)).toEqual(["head"]);
  });

  it("leave unreadable files out where there are some, and say so", () => {
    expect(choose(even(60, 3)).chosen.spec.data).not.toHaveProperty("skipUnreadable");
    const { chosen, spec } = choose({ ...even(60, 3), unreadable: 2 });
    expect(spec.data).toMatchObject({ skipUnreadable: true });
    expect(chosen.choices.find(({ field }) => field === "data.skipUnreadable")?.why).toMatch(/^2 files/);
  });
});

describe("what is held out", () => {
  it("counts as the split does, with an image of the smallest class in each part", () => {
    const held = heldOutOf(setOf([200, 3]), 0);
    expect(held).toMatchObject({ trainImages: 129, validationImages: 33, testImages: 41, split: { by: "stratified" } });
  });

  it("keeps whole groups where there are enough of them, and says why not where there are not", () => {
    const labels = Array.from({ length: 80 }, (_, index) => index % 2);
    const grouped = (groups: number): PhotoSet =>
      setOf([40, 40], { labels, groups: labels.map((_, index) => `person ${Math.floor(index / 2) % groups}`) });
    expect(heldOutOf(grouped(20), 0)).toMatchObject({
      split: { by: "group" },
      byReason: expect.stringContaining("20 groups"),
    });
    expect(heldOutOf(grouped(2), 0)).toMatchObject({
      split: { by: "stratified" },
      byReason: expect.stringContaining("2 groups, too few"),
    });
  });

  it("leaves no class out of a part for the sake of its groups", () => {
    const labels = Array.from({ length: 80 }, (_, index) => index % 2);
    const groups = labels.map((label, index) => (label === 0 ? `person ${Math.floor(index / 4)}` : "all in one"));
    expect(heldOutOf(setOf([40, 40], { labels, groups }), 0).split.by).toBe("stratified");
  });

  it("says how far an accuracy may be off", () => {
    expect(marginAt80(12)).toBeCloseTo(22.6, 1);
    expect(marginAt80(500)).toBeCloseTo(3.5, 1);
  });
});

describe("the length of training", () => {
  it.each([1, 12, 199, 200, 999, 1000, 4000, 100_000])("of %i images is enough and not endless", (images) => {
    const { batchSize, steps, epochs, patience } = trainingLength(images);
    expect(steps).toBe(Math.ceil(images / batchSize));
    expect(epochs).toBeGreaterThanOrEqual(10);
    expect(epochs).toBeLessThanOrEqual(60);
    expect(patience).toBeLessThan(epochs);
    expect(steps * epochs >= 300 || epochs === 60).toBe(true);
  });
});

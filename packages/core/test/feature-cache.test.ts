import { describe, expect, it } from "vitest";
import { resolveFreeze } from "../src/freeze/policy.ts";
import { buildNetwork } from "../src/model/network.ts";
import { DEFAULT_CACHE_BUDGET, type FeatureCachePlan, planFeatureCache } from "../src/plan/feature-cache.ts";
import { planPass, staticPrefix } from "../src/plan/pass.ts";
import { planPrefix } from "../src/plan/prefix.ts";
import type { SpecInput } from "../src/spec/schema.ts";
import { specWith } from "./spec-example.ts";
import { complete, lasting, tinyRun } from "./tiny-run.ts";

const MODEL = { alpha: 1, imageSize: 160, weights: "random" } as const;

function planned(change: Partial<SpecInput>, memoryBytes: number, diskBytes = 0, epochs = 3): FeatureCachePlan {
  const spec = specWith({ model: MODEL, ...change });
  const network = buildNetwork(spec.model, 6);
  const steps = planPass(network.layers, resolveFreeze(spec.freeze, network.base.layers, network.head, spec));
  const images = { trainImages: 100, validationImages: 20, epochs };
  return planFeatureCache(steps, staticPrefix(steps), spec, images, { memoryBytes, diskBytes });
}

describe("planFeatureCache", () => {
  it("keeps what crosses the boundary where there is room: the pooled features, 5 KB an image", () => {
    const plan = planned({ freeze: 155 }, 2 ** 30);
    expect(plan).toMatchObject({ where: "memory", layer: "head", bytesPerImage: 4 * 1280, images: 120, keeps: 120 });
    expect(plan.tensors.map(({ layer }) => layer)).toEqual(["global_average_pooling2d"]);
    expect(plan.recomputedMacs).toBe(0);
    expect(plan.savedMacs).toBeCloseTo(152.8e6, -5);
  });

  it("cuts below the boundary where memory is short: smaller outputs, a few layers again", () => {
    const exact = planned({ freeze: 50 }, 2 ** 30);
    expect(exact).toMatchObject({ layer: "block_5_project", bytesPerImage: 4 * 20 * 20 * (192 + 32) });
    const small = planned({ freeze: 50 }, 120 * 52_000);
    expect(small).toMatchObject({ where: "memory", bytesPerImage: 51_200, keeps: 120 });
    expect(small.tensors.map(({ layer }) => layer)).toEqual(["block_4_add"]);
    expect(small.recomputedMacs).toBeCloseTo(3.1e6, -5);
    expect(small.reason).toContain("43.0 MB");
  });

  it("goes to disk for what memory has no room for, and to neither where it does not pay", () => {
    expect(planned({ freeze: 155 }, 1000, 2 ** 30)).toMatchObject({ where: "disk", keeps: 120 });
    expect(planned({ freeze: 155 }, 1000)).toMatchObject({ where: "nowhere", keeps: 0 });
    expect(planned({ freeze: 155 }, 60 * 5120)).toMatchObject({ where: "memory", keeps: 60 });
  });

  it("counts a flipped image apart", () => {
    const plan = planned({ freeze: 155, augmentation: { horizontalFlip: true } }, 2 ** 30);
    expect(plan.images).toBe(220);
  });

  it.each([
    ["nothing is frozen", { freeze: 0 }, "no layer with weights is frozen"],
    ["images are moved at random", { freeze: 155, augmentation: { maxShift: 2 } }, "moves every image at random"],
    ["frozen layers look at the batch", { freeze: 155, frozenBatchNorm: "batch-stats" }, '"bn_Conv1" normalises'],
  ] as const)("keeps nothing where %s, and says so", (_, change, words) => {
    const plan = planned(change, 2 ** 30);
    expect(plan.where).toBe("nowhere");
    expect(plan.reason).toContain(words);
  });

  it("keeps nothing for a single epoch", () => {
    expect(planned({ freeze: 155 }, 2 ** 30, 0, 1).reason).toContain("one epoch");
  });
});

describe("planPrefix", () => {
  it("folds padding, convolution, normalization and ReLU into one, and leaves additions alone", () => {
    const spec = specWith({ model: MODEL, freeze: 155 });
    const network = buildNetwork(spec.model, 6);
    const steps = planPass(network.layers, resolveFreeze(spec.freeze, network.base.layers, network.head, spec));
    const units = planPrefix(steps, staticPrefix(steps));
    const named = units.map(({ type, output }) => [type, steps[output]?.layer.name]);
    expect(named.slice(0, 4)).toEqual([
      ["folded", "Conv1_relu"],
      ["folded", "expanded_conv_depthwise_relu"],
      ["folded", "expanded_conv_project_BN"],
      ["folded", "block_1_expand_relu"],
    ]);
    expect(units.filter(({ type }) => type === "folded").length).toBe(52);
    expect(units.filter(({ type }) => type === "layer").length).toBe(11); // ten additions and the pooling
    const padded = units.find(({ output }) => steps[output]?.layer.name === "block_1_depthwise_relu");
    expect(padded).toMatchObject({
      window: {
        strides: 2,
        padding: [
          [0, 1],
          [0, 1],
        ],
      },
    });
  });

  it("does not fold across a cut", () => {
    const spec = specWith({ model: MODEL, freeze: 155 });
    const network = buildNetwork(spec.model, 6);
    const steps = planPass(network.layers, resolveFreeze(spec.freeze, network.base.layers, network.head, spec));
    const names = planPrefix(steps, 3).map(({ output }) => steps[output]?.layer.name);
    expect(names).toEqual(["bn_Conv1"]);
  });
});

describe("kept features", () => {
  const change = {
    freeze: 140,
    epochs: 3,
    shuffle: true,
    augmentation: { horizontalFlip: true },
    record: "steps",
  } as const;

  it.each([
    ["all", DEFAULT_CACHE_BUDGET],
    ["a few", { memoryBytes: 5 * 1280, diskBytes: 0 }],
  ])("change no bit of a run: %s of them", async (_, cache) => {
    const run = await tinyRun(change);
    const kept = await complete(run, { cache });
    const computed = await complete(run, { cache: { memoryBytes: 0, diskBytes: 0 } });
    expect(kept.outcome.cache?.[0]?.where).toBe("memory");
    expect(computed.outcome.cache?.[0]?.where).toBe("nowhere");
    const without = ({ outcome }: typeof kept): unknown => ({ ...(lasting(outcome) as object), cache: null });
    expect(without(kept)).toEqual(without(computed));
  });
});

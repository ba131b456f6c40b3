import { describe, expect, it } from "vitest";
import { countTrainable, resolveFreeze } from "../src/freeze/policy.ts";
import { liveAt } from "../src/model/cut.ts";
import { sizeOf } from "../src/model/layer.ts";
import { buildNetwork } from "../src/model/network.ts";
import { frozenPrefix, planPass, stepCost } from "../src/plan/pass.ts";
import type { FreezePolicy } from "../src/spec/schema.ts";
import { modelSpec } from "./spec-example.ts";

const network = buildNetwork(modelSpec({ alpha: 1, imageSize: 160 }), 6);
const keras = { frozenBatchNorm: "inference", batchNorm: "keras" } as const;

function passOf(freeze: FreezePolicy): ReturnType<typeof planPass> {
  return planPass(network.layers, resolveFreeze(freeze, network.base.layers, network.head, keras));
}

/** The table gives tenths of millions, and rounds them here and there from rounded figures. */
function expectMillions(macs: number, expected: number): void {
  expect(Math.abs(macs / 1e6 - expected)).toBeLessThan(0.1);
}

// The table of numerics.md, measured apart from this code.
const COSTS = [
  { frozen: 0, prefix: 0, backward: 300.1, step: 452.9, cached: 452.9, ratio: 1, params: 2_223_872 },
  { frozen: 50, prefix: 55.3, backward: 192.5, step: 345.3, cached: 290.0, ratio: 1.31, params: 2_174_592 },
  { frozen: 100, prefix: 89.5, backward: 126.2, step: 279.0, cached: 189.6, ratio: 1.62, params: 1_861_440 },
  { frozen: 154, prefix: 152.8, backward: 0, step: 152.8, cached: 0, ratio: 2.96, params: 0 },
];

describe("stepCost", () => {
  const whole = stepCost(passOf(0)).stepMacs;

  it.each(COSTS)("is the table's at $frozen frozen layers", ({ frozen, prefix, backward, step, cached, ratio }) => {
    const cost = stepCost(passOf(frozen));
    expectMillions(cost.forwardMacs, 152.8);
    expectMillions(cost.prefixMacs, prefix);
    expectMillions(cost.backwardMacs, backward);
    expectMillions(cost.stepMacs, step);
    expectMillions(cost.stepMacs - cost.prefixMacs, cached);
    expect(whole / cost.stepMacs).toBeCloseTo(ratio, 2);
  });

  it.each(COSTS)("trains the table's parameters at $frozen frozen layers", ({ frozen, params }) => {
    const base = network.base.layers;
    const treatments = resolveFreeze(frozen, base, network.head, keras);
    expect(countTrainable(base, treatments.slice(0, base.length)).params).toBe(params);
    expect(countTrainable(network.layers, treatments).params).toBe(params + 1280 * 6 + 6);
  });

  it("costs no backward pass through the input or below the cut", () => {
    const steps = passOf(1);
    const [conv] = [network.layers[1]?.macs ?? 0];
    expect(stepCost(steps).backwardMacs).toBe(2 * stepCost(steps).forwardMacs - conv);
  });
});

describe("planPass", () => {
  it("keeps what the backward pass reads and nothing of the frozen prefix", () => {
    const steps = passOf(100);
    expect(frozenPrefix(steps)).toBe(101); // layer 100 is a ReLU, the first weights above are a depthwise kernel's
    expect(steps[101]?.layer.name).toBe("block_11_depthwise");
    expect(steps.slice(0, 101).filter((step) => step.keepsInput || step.keepsOutput || step.carriesGradient)).toEqual(
      [],
    );
    const kept = steps
      .slice(101)
      .filter((step) => step.keepsInput)
      .map((step) => step.layer.op.type);
    expect(new Set(kept)).toEqual(new Set(["DepthwiseConv2D", "BatchNormalization", "Conv2D", "Dense"]));
    expect(steps.filter((step) => step.keepsOutput).every((step) => step.layer.op.type === "ReLU")).toBe(true);
  });

  it("keeps no input of a frozen convolution or an inference BN above a layer that trains", () => {
    const steps = passOf([
      { layers: "Conv1|head", train: true },
      { layers: ".*", train: false },
    ]);
    const kept = steps.filter((step) => step.keepsInput).map((step) => step.layer.name);
    expect(kept).toEqual(["Conv1", "head"]);
    expect(steps.slice(1).every((step) => step.carriesGradient)).toBe(true);
  });
});

describe("liveAt", () => {
  it.each([
    [0, []],
    [1, ["input_layer"]],
    [50, ["block_4_add", "block_5_depthwise_BN"]],
    [100, ["block_10_project_BN", "block_11_expand_BN"]],
    [154, ["out_relu"]],
    [155, ["global_average_pooling2d"]],
    [156, ["head"]],
  ])("names what crosses the cut before layer %s", (index, names) => {
    expect([...liveAt(network.layers, index)].sort()).toEqual(names);
  });

  it.each([
    [50, 358],
    [100, 269],
    [155, 5],
  ])("makes a cache of %s layers as large as the table says: %s KB an image", (index, kilobytes) => {
    const shapes = network.layers.filter((layer) => liveAt(network.layers, index).includes(layer.name));
    const floats = shapes.reduce((sum, layer) => sum + sizeOf(layer.outputShape), 0);
    expect(Math.round((floats * 4) / 1000)).toBe(kilobytes);
  });
});

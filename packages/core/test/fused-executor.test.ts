import { describe, expect, it } from "vitest";
import { float64Kernels } from "../src/kernels/float64-reference.ts";
import type { Float64Tensor } from "../src/kernels/float64-tensor.ts";
import { FUSED_KERNELS, type FusedKernel, type Kernels } from "../src/kernels/kernels.ts";
import { buildNetwork } from "../src/model/network.ts";
import { contextOf, readAll, TRAINING, trainingPass } from "./one-step.ts";
import { randomBatch, randomWeights } from "./random-weights.ts";
import { specWith } from "./spec-example.ts";

const SIZE = 32;
const { model } = specWith({ model: { alpha: 0.35, imageSize: SIZE } });
const built = buildNetwork(model, 3);
const network = { base: built.base.layers, head: built.head, layers: built.layers };
const weights = randomWeights(built.layers, 4);
const batch = randomBatch(2, [SIZE, SIZE, 3], 3, 5);
const read = async (tensor: Float64Tensor): Promise<Float64Array> => tensor.data;

interface Pass {
  readonly loss: number;
  readonly gradients: Readonly<Record<string, readonly number[]>>;
  readonly moved: readonly number[];
}

/** One pass in float64, with the fused kernels or without; counts how often each fused one was called. */
async function pass(
  freeze: number,
  without: readonly FusedKernel[],
  calls: Map<string, number>,
  savesMemory = false,
): Promise<Pass> {
  const kernels: Kernels<Float64Tensor> = float64Kernels();
  const before = kernels.memory().tensors;
  for (const name of without) delete kernels[name];
  for (const name of FUSED_KERNELS) {
    const kernel = kernels[name] as ((...inputs: unknown[]) => unknown) | undefined;
    if (kernel === undefined) continue;
    const counted = (...inputs: unknown[]): unknown => {
      calls.set(name, (calls.get(name) ?? 0) + 1);
      return kernel(...inputs);
    };
    Object.assign(kernels, { [name]: counted });
  }
  const context = { ...contextOf(kernels, network, weights, freeze), savesMemory };
  const { loss, gradients } = await trainingPass(context, batch, TRAINING, read);
  const values = await readAll(gradients, read);
  for (const tensor of gradients.values()) kernels.dispose(tensor);
  const moved = Array.from(context.variables.get("Conv_1_bn/moving_variance").data);
  context.variables.dispose();
  expect(kernels.memory().tensors).toBe(before);
  return { loss, gradients: values, moved };
}

/** Convolutions with the normalizations around them; what they compute is rounded in another order. */
const BLOCKS: readonly FusedKernel[] = [
  "conv2dStatistics",
  "depthwiseConv2dStatistics",
  "conv2dGradients",
  "depthwiseConv2dGradients",
];

/** Largest difference between two passes, as part of each tensor's largest value; what is 0 but for rounding counts little. */
function difference(a: Pass, b: Pass): number {
  expect(Object.keys(a.gradients).sort()).toEqual(Object.keys(b.gradients).sort());
  const tensors = [
    ...Object.keys(a.gradients).map((name) => [a.gradients[name], b.gradients[name]]),
    [a.moved, b.moved],
  ];
  let worst = Math.abs(a.loss - b.loss);
  const most = (values: readonly number[] = []): number =>
    values.reduce((so, value) => Math.max(so, Math.abs(value)), 0);
  const floor = 1e-3 * Math.max(...Object.values(b.gradients).map(most));
  for (const [left = [], right = []] of tensors) {
    const differences = right.map((value, index) => value - (left[index] ?? Number.NaN));
    worst = Math.max(worst, most(differences) / Math.max(most(right), floor));
  }
  return worst;
}

describe("the executor with fused kernels", () => {
  it.each([
    [0, { batchNormTrainRelu: 35, batchNormTrainReluGradient: 35, movingStatistics: 1 }],
    [
      100,
      // of the 35 ReLUs, 23 lie below layer 100; their frozen batch normalizations carry no gradient
      { batchNormInferenceRelu: 23, batchNormTrainRelu: 12, batchNormTrainReluGradient: 12, movingStatistics: 1 },
    ],
  ] as const)(
    "computes at depth %i what it computes without, leaves nothing, and uses them",
    async (freeze, expected) => {
      const calls = new Map<string, number>();
      const fused = await pass(freeze, BLOCKS, calls);
      expect(Object.fromEntries(calls)).toEqual(expected);
      calls.clear();
      const plain = await pass(freeze, FUSED_KERNELS, calls);
      expect(calls.size).toBe(0);
      expect(fused).toEqual(plain); // float64's fused kernels are its plain ones, one after the other: to the last bit
    },
    120_000,
  );

  it.each([
    // The output of four depthwise blocks goes through a padding, that of Conv_1's through the pooling: these are stored.
    [0, { conv2d: 35, depthwise: 17, stored: 5 }],
    [100, { conv2d: 12, depthwise: 6, stored: 25 }],
  ])(
    "normalises at depth %i while a convolution reads: the same numbers, nothing left",
    async (freeze, { conv2d, depthwise, stored }) => {
      const calls = new Map<string, number>();
      const blocks = await pass(freeze, [], calls);
      expect(Object.fromEntries(calls)).toEqual({
        conv2dStatistics: conv2d,
        conv2dGradients: conv2d,
        depthwiseConv2dStatistics: depthwise,
        depthwiseConv2dGradients: depthwise,
        batchNormInferenceRelu: stored,
        batchNormTrainReluGradient: freeze === 0 ? 5 : 2,
        movingStatistics: 1,
      });
      expect(difference(blocks, await pass(freeze, BLOCKS, new Map()))).toBeLessThan(1e-9);
    },
    120_000,
  );

  it("makes outputs again instead of keeping them: fewer bytes, the same bits", async () => {
    const calls = new Map<string, number>();
    const saving = await pass(0, BLOCKS, calls, true);
    expect(calls.get("batchNormInferenceRelu")).toBe(30); // of 35 ReLUs one feeds the pooling, four a padding
    expect(saving).toEqual(await pass(0, BLOCKS, new Map()));
    expect(await pass(0, [], new Map(), true)).toEqual(await pass(0, [], new Map()));
  }, 120_000);

  it.each(FUSED_KERNELS)(
    "can do without %s alone",
    async (name) => {
      const freeze = 140;
      const all = await pass(freeze, [], new Map());
      expect(difference(await pass(freeze, [name], new Map()), all)).toBeLessThan(1e-9);
    },
    120_000,
  );
});

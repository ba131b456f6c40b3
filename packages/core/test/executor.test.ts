import { describe, expect, it } from "vitest";
import { randomStream } from "../src/data/random.ts";
import { type BatchNormPolicy, resolveFreeze } from "../src/freeze/policy.ts";
import { float64Kernels } from "../src/kernels/float64-reference.ts";
import type { DeviceTensor, Kernels } from "../src/kernels/kernels.ts";
import { sizeOf } from "../src/model/layer.ts";
import type { FreezePolicy } from "../src/spec/schema.ts";
import { autodiff, type Masks } from "./autodiff.ts";
import { cpuKernels } from "./cpu-engine.ts";
import { contextOf, KERAS, type NamedNumbers, readAll, relativeL2, trainingPass } from "./one-step.ts";
import { randomBatch, randomWeights } from "./random-weights.ts";
import { everyLayerNetwork } from "./tiny-network.ts";

const network = everyLayerNetwork();
const weights = randomWeights(network.layers, 11);
const batch = randomBatch(6, [9, 8, 3], 4, 12);

const masks: Masks = (name, rate, shape) => {
  const random = randomStream(3, name);
  return Float32Array.from({ length: sizeOf(shape) }, () => (random.uniform() < rate ? 0 : 1 / (1 - rate)));
};

const INFERENCE_ALL: BatchNormPolicy = { frozenBatchNorm: "inference", batchNorm: "inference-all" };
const BATCH_STATS: BatchNormPolicy = { frozenBatchNorm: "batch-stats", batchNorm: "keras" };
const CASES: readonly (readonly [title: string, freeze: FreezePolicy, policy: BatchNormPolicy, trained: number])[] = [
  ["everything trains", 0, KERAS, 18],
  ["frozen up to the first Add", "a_add", KERAS, 10],
  ["cut inside the first block", "a_BN", KERAS, 13],
  ["cut inside the second block", "b_add", KERAS, 8],
  ["the head alone", network.base.length, KERAS, 2],
  ["every BN in inference mode", 0, INFERENCE_ALL, 18],
  ["frozen BN on batch statistics", "a_add", BATCH_STATS, 10],
  [
    "frozen layers above ones that train",
    [
      { layers: "stem.*|a_project|head", train: true },
      { layers: ".*", train: false },
    ],
    KERAS,
    7,
  ],
  [
    "frozen BN on batch statistics above ones that train",
    [
      { layers: "stem|head", train: true },
      { layers: ".*", train: false },
    ],
    BATCH_STATS,
    4,
  ],
];

async function explicit<T extends DeviceTensor>(
  kernels: Kernels<T>,
  freeze: FreezePolicy,
  policy: BatchNormPolicy,
  read: (tensor: T) => Promise<ArrayLike<number>>,
): Promise<{ loss: number; gradients: NamedNumbers }> {
  const before = kernels.memory().tensors;
  const context = contextOf(kernels, network, weights, freeze, policy);
  const mode = { training: true, updates: true, dropoutMask: masks } as const;
  const { loss, gradients } = await trainingPass(context, batch, mode, read);
  const values = await readAll(gradients, read);
  for (const gradient of gradients.values()) kernels.dispose(gradient);
  context.variables.dispose();
  expect(kernels.memory().tensors).toBe(before);
  return { loss, gradients: values };
}

describe.each(CASES)("%s", (_title, freeze, policy, trained) => {
  const treatments = resolveFreeze(freeze, network.base, network.head, policy);

  async function expectAutodiff(found: { loss: number; gradients: NamedNumbers }): Promise<void> {
    const expected = autodiff(network.layers, treatments, weights, batch, masks);
    expect(Math.abs(found.loss / expected.loss - 1)).toBeLessThan(1e-6);
    expect(Object.keys(expected.gradients)).toHaveLength(trained);
    expect(Object.keys(found.gradients).sort()).toEqual(Object.keys(expected.gradients).sort());
    for (const [name, values] of Object.entries(expected.gradients)) {
      // A bias right below a BN on batch statistics has no effect, so that its gradient is rounding alone.
      const vanishes = Math.max(...values.map(Math.abs)) < 1e-6;
      if (vanishes) expect(Math.max(...(found.gradients[name] ?? []).map(Math.abs)), name).toBeLessThan(1e-6);
      else expect(relativeL2(found.gradients[name] ?? [], values), name).toBeLessThan(2e-5);
    }
  }

  it("has the gradients of tfjs's autodiff on tfjs kernels", async () => {
    const kernels = await cpuKernels();
    await expectAutodiff(await explicit(kernels, freeze, policy, (tensor) => kernels.download(tensor)));
  });

  it("has the gradients of tfjs's autodiff on float64 kernels", async () => {
    await cpuKernels();
    await expectAutodiff(await explicit(float64Kernels(), freeze, policy, async (tensor) => tensor.data));
  });
});

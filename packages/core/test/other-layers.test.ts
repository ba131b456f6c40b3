import { describe, expect, it } from "vitest";
import { randomStream } from "../src/data/random.ts";
import { type BatchNormPolicy, resolveFreeze } from "../src/freeze/policy.ts";
import { float64Kernels } from "../src/kernels/float64-reference.ts";
import type { DeviceTensor, Kernels } from "../src/kernels/kernels.ts";
import { sizeOf } from "../src/model/layer.ts";
import { staticPrefix } from "../src/plan/pass.ts";
import type { FreezePolicy } from "../src/spec/schema.ts";
import { autodiff, type Masks } from "./autodiff.ts";
import { cpuKernels } from "./cpu-engine.ts";
import { contextOf, inferenceLoss, KERAS, type NamedNumbers, readAll, relativeL2, trainingPass } from "./one-step.ts";
import { randomBatch, randomWeights } from "./random-weights.ts";
import { otherLayersNetwork } from "./tiny-network.ts";

const network = otherLayersNetwork();
const weights = randomWeights(network.layers, 21);
const batch = randomBatch(5, [12, 11, 3], 4, 22);
const INFERENCE_ALL: BatchNormPolicy = { frozenBatchNorm: "inference", batchNorm: "inference-all" };

const masks: Masks = (name, rate, shape) => {
  const random = randomStream(5, name);
  return Float32Array.from({ length: sizeOf(shape) }, () => (random.uniform() < rate ? 0 : 1 / (1 - rate)));
};

async function step<T extends DeviceTensor>(
  kernels: Kernels<T>,
  freeze: FreezePolicy,
  savesMemory: boolean,
): Promise<{ loss: number; gradients: NamedNumbers }> {
  const before = kernels.memory().tensors;
  const context = { ...contextOf(kernels, network, weights, freeze), savesMemory };
  const mode = { training: true, updates: true, dropoutMask: masks } as const;
  const read = (tensor: T): Promise<Float32Array> => kernels.download(tensor);
  const { loss, gradients } = await trainingPass(context, batch, mode, read);
  const values = await readAll(gradients, read);
  for (const gradient of gradients.values()) kernels.dispose(gradient);
  context.variables.dispose();
  expect(kernels.memory().tensors).toBe(before);
  return { loss, gradients: values };
}

const CASES: readonly (readonly [title: string, freeze: FreezePolicy, trained: number])[] = [
  ["everything trains", 0, 17],
  ["cut behind the stem", "pool", 13],
  [
    "the factors' path is frozen, the trunk trains",
    [
      { layers: "reduce|expand|gate_conv", train: false },
      { layers: ".*", train: true },
    ],
    11,
  ],
  [
    "one factor trains, the trunk is frozen",
    [
      { layers: "expand|head", train: true },
      { layers: ".*", train: false },
    ],
    4,
  ],
  ["the head alone", network.base.filter(({ operation }) => operation === undefined).length, 2],
];

describe.each(CASES)("%s", (_title, freeze, trained) => {
  it.each(["float64", "cpu", "cpu, saving memory"])("has the gradients of tfjs's autodiff on %s", async (engine) => {
    const cpu = await cpuKernels();
    const saves = engine !== "cpu";
    const found = engine === "float64" ? await step(float64Kernels(), freeze, saves) : await step(cpu, freeze, saves);
    const treatments = resolveFreeze(freeze, network.base, network.head, KERAS);
    const expected = autodiff(network.layers, treatments, weights, batch, masks);
    expect(found.loss).toBeCloseTo(expected.loss, 5);
    expect(Object.keys(found.gradients).sort()).toEqual(Object.keys(expected.gradients).sort());
    expect(Object.keys(expected.gradients)).toHaveLength(trained);
    for (const [name, gradient] of Object.entries(expected.gradients)) {
      expect({ name, error: relativeL2(found.gradients[name] ?? [], gradient) < 1e-4 }).toEqual({ name, error: true });
    }
  });
});

describe("dropout", () => {
  it("in the base ends what can be kept, unless the base is called as for inference", () => {
    const kernels = float64Kernels();
    const count = network.base.filter(({ operation }) => operation === undefined).length;
    const boundary = (policy: BatchNormPolicy): string | undefined => {
      const { steps } = contextOf(kernels, network, weights, count, policy);
      return steps[staticPrefix(steps)]?.layer.name;
    };
    expect(boundary(KERAS)).toBe("drop");
    expect(boundary(INFERENCE_ALL)).toBe("head");
  });

  it("passes everything on in inference, and in training where the base is called as for inference", async () => {
    const kernels = float64Kernels();
    const read = (tensor: { readonly data: Float64Array }): Promise<Float64Array> => Promise.resolve(tensor.data);
    const context = contextOf(kernels, network, weights, 0, INFERENCE_ALL);
    const mode = { training: true, updates: false, dropoutMask: masks } as const;
    const { loss, gradients } = await trainingPass(context, batch, { ...mode, updates: true }, read);
    for (const gradient of gradients.values()) kernels.dispose(gradient);
    expect(loss).toBe(await inferenceLoss(context, batch, read));
  });
});

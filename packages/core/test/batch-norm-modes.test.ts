import { describe, expect, it } from "vitest";
import { float64Kernels } from "../src/kernels/float64-reference.ts";
import type { DeviceTensor, Kernels } from "../src/kernels/kernels.ts";
import type { HostTensor } from "../src/model/safetensors.ts";
import { Optimizer } from "../src/train/optimizer.ts";
import { cpuKernels } from "./cpu-engine.ts";
import { readGolden } from "./golden.ts";
import { contextOf, inferenceLoss, KERAS, type NamedNumbers, readAll, TRAINING, trainingPass } from "./one-step.ts";
import { specWith } from "./spec-example.ts";
import { batchNormNetwork } from "./tiny-network.ts";

interface BatchNormCase {
  readonly frozen: number;
  readonly batchNorm: "keras" | "inference-all";
  readonly loss: number;
  readonly logits: readonly number[];
  readonly gradients: NamedNumbers;
  readonly moving: NamedNumbers;
  readonly lossAfterInInferenceMode: number;
}

interface BatchNormGolden {
  readonly learningRate: number;
  readonly images: readonly number[];
  readonly labels: readonly number[];
  readonly weights: NamedNumbers;
  readonly cases: Readonly<Record<string, BatchNormCase>>;
}

const golden = readGolden<BatchNormGolden>("keras-batch-norm");
const network = batchNormNetwork();
const batch = { images: Float32Array.from(golden.images), labels: Int32Array.from(golden.labels) };
const { optimizer: sgd } = specWith({ optimizer: { name: "sgd", learningRate: golden.learningRate } });

const startingWeights = new Map(
  network.layers.flatMap((layer) =>
    layer.weights.map(({ name, shape }): [string, HostTensor] => {
      const data = Float32Array.from(golden.weights[`${layer.name}/${name}`] ?? []);
      return [`${layer.name}/${name}`, { dtype: "float32", shape, data }];
    }),
  ),
);

/** One SGD step as the golden file tells it. */
async function step<T extends DeviceTensor>(
  kernels: Kernels<T>,
  { frozen, batchNorm }: Pick<BatchNormCase, "frozen" | "batchNorm">,
  read: (tensor: T) => Promise<ArrayLike<number>>,
): Promise<Omit<BatchNormCase, "frozen" | "batchNorm">> {
  const before = kernels.memory().tensors;
  const context = contextOf(kernels, network, startingWeights, frozen, { ...KERAS, batchNorm });
  const { loss, logits, gradients } = await trainingPass(context, batch, TRAINING, read);
  const gradientValues = await readAll(gradients, read);
  const names = [...gradients.keys()];
  const optimizer = new Optimizer(kernels, sgd, [{ lrMultiplier: 1, names }], context.variables);
  optimizer.apply(context.variables, gradients);
  const movingNames = [...startingWeights.keys()].filter((name) => name.includes("moving"));
  const moving = await readAll(
    movingNames.map((name) => [name, context.variables.get(name)] as const),
    read,
  );
  const lossAfterInInferenceMode = await inferenceLoss(context, batch, read);
  optimizer.dispose();
  context.variables.dispose();
  expect(kernels.memory().tensors).toBe(before);
  return { loss, logits, gradients: gradientValues, moving, lossAfterInInferenceMode };
}

/** Largest difference over the largest value of the expected numbers (or 1). */
function worst(found: readonly number[], expected: readonly number[]): number {
  expect(found).toHaveLength(expected.length);
  const scale = Math.max(1, ...expected.map(Math.abs));
  return Math.max(...found.map((value, index) => Math.abs(value - (expected[index] ?? Number.NaN)))) / scale;
}

function expectStep(found: Awaited<ReturnType<typeof step>>, expected: BatchNormCase, bound: number): void {
  expect(worst([found.loss], [expected.loss])).toBeLessThan(bound);
  expect(worst(found.logits, expected.logits)).toBeLessThan(bound);
  for (const part of ["gradients", "moving"] as const) {
    expect(Object.keys(found[part]).sort()).toEqual(Object.keys(expected[part]).sort());
    for (const [name, values] of Object.entries(expected[part])) {
      expect(worst(found[part][name] ?? [], values), `${part} of ${name}`).toBeLessThan(bound);
    }
  }
  expect(worst([found.lossAfterInInferenceMode], [expected.lossAfterInInferenceMode])).toBeLessThan(bound);
}

describe.each(Object.entries(golden.cases))("one SGD step, %s", (_title, expected) => {
  it("is Keras's in float64", async () => {
    expectStep(await step(float64Kernels(), expected, async (tensor) => tensor.data), expected, 1e-12);
  });

  it("is Keras's in float32 on tfjs", async () => {
    const kernels = await cpuKernels();
    expectStep(await step(kernels, expected, (tensor) => kernels.download(tensor)), expected, 1e-5);
  });
});

describe("the golden file", () => {
  it("tells the modes apart", () => {
    const cases = Object.values(golden.cases);
    const different = (pick: (row: BatchNormCase) => unknown): number =>
      new Set(cases.map((row) => JSON.stringify(pick(row)))).size;
    expect(different((row) => row.lossAfterInInferenceMode)).toBe(5);
    expect(different((row) => row.loss)).toBe(3); // only the forward modes of the two BNs count
    expect(different((row) => row.moving)).toBe(3);
  });
});

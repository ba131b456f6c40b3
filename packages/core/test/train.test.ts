import type { Tensor } from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import type { HostTensor } from "../src/model/safetensors.ts";
import { networkOf } from "../src/plan/plan.ts";
import type { SpecInput } from "../src/spec/schema.ts";
import { epochOrder } from "../src/train/epoch-batches.ts";
import { learningRateAt } from "../src/train/schedule.ts";
import { autodiff } from "./autodiff.ts";
import { cpuKernels } from "./cpu-engine.ts";
import { contextOf, forwardAll, keepAll, type StepBatch } from "./one-step.ts";
import { complete, lasting, movedNames, runEvents, type TinyRun, tinyRun } from "./tiny-run.ts";

const IMAGE_BYTES = 32 * 32 * 3;

/** A batch made apart from the image store. */
function batchOf({ plan, pixels }: TinyRun, indices: readonly number[]): StepBatch {
  const bytes = indices.flatMap((index) => Array.from(pixels.subarray(index * IMAGE_BYTES, (index + 1) * IMAGE_BYTES)));
  const labels = indices.map((index) => plan.dataset.labels[index] ?? -1);
  return {
    images: Float32Array.from(bytes, (pixel) => Math.fround(pixel / 127.5) - 1),
    labels: Int32Array.from(labels),
  };
}

describe("train", () => {
  it("takes the steps of a plain loop of autodiff and SGD", async () => {
    await cpuKernels();
    const fields = { freeze: 151, epochs: 2, optimizer: { name: "sgd", learningRate: 0.002 } } as const;
    const run = await tinyRun(fields);
    const { outcome } = await complete(run);
    const { layers } = networkOf(run.plan);
    const treatments = run.plan.phases[0]?.treatments ?? [];
    const weights = new Map([...run.initial].map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() }]));
    const losses: number[] = [];
    for (const start of [0, 4, 0, 4]) {
      const batch = batchOf(run, run.plan.splits.train.slice(start, start + 4));
      const { loss, gradients } = autodiff(layers, treatments, weights, batch, keepAll);
      losses.push(loss);
      expect(Object.keys(gradients)).toEqual([
        ...["Conv_1/kernel", "Conv_1_bn/gamma", "Conv_1_bn/beta", "head/kernel", "head/bias"],
      ]);
      for (const [name, gradient] of Object.entries(gradients)) {
        const data = weights.get(name)?.data ?? new Float32Array();
        for (const [index, value] of gradient.entries()) data[index] = (data[index] ?? 0) - 0.002 * value;
      }
    }
    expect(outcome.steps?.map((step) => [step.epoch, step.step])).toEqual([1, 2, 3, 4].map((s) => [s < 3 ? 1 : 2, s]));
    for (const [index, loss] of losses.entries()) expect(outcome.steps?.[index]?.loss).toBeCloseTo(loss, 4);
    expect(new Set(losses.map((loss) => loss.toFixed(3))).size).toBe(4);
    // The epoch's loss weighs images, not batches: the last batch has 2 of 6.
    const [first = 0, second = 0] = losses;
    expect(run.plan.splits.train).toHaveLength(6);
    expect(outcome.epochs[0]?.train.loss).toBeCloseTo((4 * first + 2 * second) / 6, 4);
  });

  it("is the same twice, bit for bit, with everything that is random switched on", async () => {
    const run = await tinyRun(
      {
        ...{ freeze: 0, shuffle: true, batchSize: 2, seed: 5, model: { head: { dropout: 0.3 } } },
        augmentation: { horizontalFlip: true, maxShift: 2 },
      },
      { images: 6 },
    );
    const [first, second] = [await complete(run), await complete(run)];
    expect(first.outcome.steps).toHaveLength(2);
    expect(lasting(first.outcome)).toEqual(lasting(second.outcome));
    expect(movedNames(first.weights, second.weights)).toEqual([]);
    expect(first.outcome.digests.final).not.toBe(first.outcome.digests.initial);
  });

  it.each([
    ["order", { shuffle: true, batchSize: 2 }],
    ["dropout", { model: { head: { dropout: 0.3 } } }],
    ["augmentation", { augmentation: { maxShift: 2 } }],
  ])("takes its %s from the seed", async (_title, fields) => {
    const steps = async (seed: number): Promise<unknown> =>
      (await complete(await tinyRun({ ...fields, seed }))).outcome.steps;
    expect(await steps(1)).not.toEqual(await steps(2));
  });

  it("says start, a step a batch with the last one smaller, an epoch, weights, end", async () => {
    const { events, outcome } = await complete(await tinyRun({ epochs: 2 }));
    expect(events.map((event) => event.type)).toEqual([
      ...["start", "cache", "step", "step", "epoch", "step", "step", "epoch", "weights", "end"],
    ]);
    expect(events[0]).toMatchObject({ totalSteps: 4, trainable: { tensors: 2, params: 1280 * 3 + 3 } });
    expect(events.flatMap((event) => (event.type === "step" ? [event.images] : []))).toEqual([4, 2, 4, 2]);
    expect(outcome.timing.stepMs).toHaveLength(4);
    expect(outcome.predictions.validation).toHaveLength(3);
  });

  it("keeps step losses only where the spec says so", async () => {
    expect((await complete(await tinyRun({ record: "epochs" }))).outcome.steps).toBeUndefined();
  });

  it("keeps no tensor from step to step", async () => {
    const kernels = await cpuKernels();
    const before = kernels.memory().tensors;
    const atSteps: number[] = [];
    for await (const event of runEvents(await tinyRun({ freeze: 120, epochs: 2, model: { head: { dropout: 0.5 } } }))) {
      if (event.type === "step") atSteps.push(kernels.memory().tensors - before);
    }
    expect(atSteps).toHaveLength(4);
    expect(new Set(atSteps).size).toBe(1);
    expect(kernels.memory().tensors).toBe(before);
  });

  it("frees everything when its reader walks away", async () => {
    const kernels = await cpuKernels();
    const before = kernels.memory().tensors;
    for await (const event of runEvents(await tinyRun({ epochs: 5 })))
      if (event.type === "step" && event.step === 2) break;
    expect(kernels.memory().tensors).toBe(before);
  });
});

describe("validation and test metrics", () => {
  it("are those of the final weights in inference mode", async () => {
    const kernels = await cpuKernels();
    const run = await tinyRun({
      freeze: 140,
      batchSize: 2,
      split: { validation: 0.4, test: 0.3, by: "last" },
      model: { head: { dropout: 0.5 } },
      augmentation: { horizontalFlip: true, maxShift: 4 },
    });
    const { outcome, weights } = await complete(run);
    const network = networkOf(run.plan);
    const context = contextOf(
      kernels,
      { base: network.base.layers, head: network.head, layers: network.layers },
      weights,
      0,
    );
    for (const part of ["validation", "test"] as const) {
      const indices = run.plan.splits[part];
      const activations = forwardAll<Tensor>(context, batchOf(run, indices), { training: false });
      const output = activations.take(network.layers.length - 1);
      const logits = await kernels.download(output);
      kernels.dispose(output);
      const rows = indices.map((_, row) => Array.from(logits.subarray(row * 3, row * 3 + 3)));
      const labels = indices.map((index) => run.plan.dataset.labels[index] ?? 0);
      const losses = rows.map(
        (row, i) => Math.log(row.reduce((sum, v) => sum + Math.exp(v), 0)) - (row[labels[i] ?? 0] ?? 0),
      );
      const predictions = rows.map((row) => row.indexOf(Math.max(...row)));
      const correct = predictions.filter((prediction, i) => prediction === labels[i]).length;
      expect(new Set(losses.map((loss) => loss.toFixed(2))).size).toBe(indices.length);
      expect(outcome.predictions[part]).toEqual(predictions);
      expect(outcome.final[part]?.accuracy).toBeCloseTo(correct / indices.length, 10);
      expect(outcome.final[part]?.loss).toBeCloseTo(losses.reduce((a, b) => a + b, 0) / indices.length, 4);
    }
    expect(run.plan.splits.validation.length % 2).toBe(1); // a smaller last batch
    expect(outcome.epochs.at(-1)?.validation).toEqual(outcome.final.validation);
    context.variables.dispose();
  });

  it("are absent without such parts", async () => {
    const { outcome } = await complete(await tinyRun({ split: { validation: 0 } }));
    expect([outcome.final.validation, outcome.final.test, outcome.epochs[0]?.validation]).toEqual([null, null, null]);
  });
});

describe("the order", () => {
  const images = Array.from({ length: 50 }, (_, index) => index * 2);

  it("is a permutation, another in each epoch and for each seed", () => {
    const order = epochOrder(images, true, 5, 1);
    expect([...order].sort((a, b) => a - b)).toEqual(images);
    expect(order).toEqual(epochOrder(images, true, 5, 1));
    expect(order).not.toEqual(images);
    expect(order).not.toEqual(epochOrder(images, true, 5, 2));
    expect(order).not.toEqual(epochOrder(images, true, 6, 1));
    expect(epochOrder(images, false, 5, 1)).toEqual(images);
  });

  it("is that in which the images are trained on", async () => {
    const kernels = await cpuKernels();
    const run = await tinyRun({ shuffle: true, seed: 3, optimizer: { name: "sgd", learningRate: 1e-30 } });
    const { outcome } = await complete(run);
    const network = networkOf(run.plan);
    const { initial } = run;
    const context = contextOf(
      kernels,
      { base: network.base.layers, head: network.head, layers: network.layers },
      initial,
      155,
    );
    const order = epochOrder(run.plan.splits.train, true, 3, 1);
    for (const [step, start] of [0, 4].entries()) {
      const batch = batchOf(run, order.slice(start, start + 4));
      const output = forwardAll<Tensor>(context, batch, { training: false }).take(network.layers.length - 1);
      const labels = kernels.uploadLabels(batch.labels);
      const { losses } = kernels.softmaxCrossEntropy(output, labels);
      const values = await kernels.download(losses);
      expect(outcome.steps?.[step]?.loss).toBeCloseTo(values.reduce((a, b) => a + b, 0) / values.length, 4); // folded
    }
    context.variables.dispose();
  });
});

describe("what the spec switches on", () => {
  it("flips and the batch size change the losses", async () => {
    const steps = async (fields: Partial<SpecInput>): Promise<unknown> =>
      (await complete(await tinyRun(fields))).outcome.steps;
    const usual = await steps({});
    expect(await steps({ augmentation: { horizontalFlip: true } })).not.toEqual(usual);
    expect(await steps({ batchSize: 3 })).not.toEqual(usual);
  });

  it("dropout draws another mask at every step", async () => {
    const still = { name: "sgd", learningRate: 1e-30 } as const;
    const steps = async (dropout: number): Promise<readonly (number | undefined)[]> => {
      const run = await tinyRun({ epochs: 2, optimizer: still, model: { head: { dropout } } });
      return (await complete(run)).outcome.steps?.map((step) => step.loss) ?? [];
    };
    const [first, , again] = await steps(0.5);
    expect(again).not.toBe(first); // the same images and weights
    const [plain, , same] = await steps(0);
    expect(same).toBe(plain);
  });

  it("a schedule is recorded by epoch, from step to step", async () => {
    const rate = { schedule: "exponential", initial: 0.01, decaySteps: 3, decayRate: 0.5, staircase: false } as const;
    const { outcome } = await complete(await tinyRun({ epochs: 3, optimizer: { name: "adam", learningRate: rate } }));
    expect(outcome.epochs.map((epoch) => epoch.learningRate)).toEqual(
      [0, 2, 4].map((step) => learningRateAt(rate, step)),
    );
  });

  it("under-trained is a run that never left chance", async () => {
    const slow = await complete(await tinyRun({ optimizer: { name: "sgd", learningRate: 1e-30 } }));
    expect(slow.outcome.underTrained).toBe(true);
    // Fresh weights, and batch statistics that make something of them.
    const fields = { epochs: 4, batchSize: 6, frozenBatchNorm: "batch-stats" } as const;
    const rate = { name: "adam", learningRate: 0.01 } as const;
    const fast = await complete(await tinyRun({ ...fields, optimizer: rate }, { fresh: true }));
    expect(fast.outcome.epochs.at(-1)?.train.accuracy).toBe(1);
    expect(fast.outcome.underTrained).toBe(false);
  });
});

describe("weights that do not fit", () => {
  const head = (shape: readonly number[]): HostTensor => ({
    dtype: "float32",
    shape,
    data: new Float32Array(1280 * 3),
  });

  it.each([
    ["transposed", head([3, 1280]), 'Weights "head/kernel" have shape [3, 1280], expected [1280, 3].'],
    [
      "float64",
      { ...head([1280, 3]), dtype: "float64", data: new Float64Array(3840) } as HostTensor,
      'no float32 weights for "head/kernel"',
    ],
  ])("%s are an error", async (_title, tensor, message) => {
    const run = await tinyRun({}, { spoil: (weights) => weights.set("head/kernel", tensor) });
    await expect(complete(run)).rejects.toThrow(message);
    await expect(complete(run)).rejects.toMatchObject({ code: "weights-mismatch" });
  });

  it("of another hash are an error", async () => {
    const run = await tinyRun({});
    await expect(complete(run, { readBlob: async () => new Uint8Array(8) })).rejects.toMatchObject({
      code: "blob-corrupt",
    });
  });
});

import type { Tensor } from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import type { DeviceTensor } from "../src/kernels/kernels.ts";
import { liveAt } from "../src/model/cut.ts";
import { buildNetwork } from "../src/model/network.ts";
import { backward } from "../src/train/backward.ts";
import { type ForwardMode, forward, type PassContext } from "../src/train/forward.ts";
import { calibratedWeights } from "./calibrated-weights.ts";
import { cpuKernels } from "./cpu-engine.ts";
import { contextOf, forwardAll, keepAll, type NamedNumbers, readAll, TRAINING } from "./one-step.ts";
import { randomBatch } from "./random-weights.ts";
import { modelSpec } from "./spec-example.ts";
import type { TinyNetwork } from "./tiny-network.ts";

const { base, head, layers } = buildNetwork(modelSpec({ alpha: 0.35, imageSize: 32 }), 3);
const network: TinyNetwork = { base: base.layers, head, layers };
const batch = randomBatch(2, [32, 32, 3], 3, 22);
const weights = await calibratedWeights(network, batch.images, 21);
const LOOK = { training: true, updates: false, dropoutMask: keepAll } as const;
const INFERENCE = { training: false } as const;

const indexOf = (name: string): number => layers.findIndex((layer) => layer.name === name);

/** Outputs that cross the cut before layer `cut`, from a run of the layers below it. */
function below<T extends DeviceTensor>(context: PassContext<T>, cut: number, mode: ForwardMode): Map<number, T> {
  const images = context.kernels.upload(batch.images, [batch.labels.length, 32, 32, 3]);
  const activations = forward(context, { from: 0, to: cut }, new Map([[0, images]]), mode);
  return new Map(liveAt(layers, cut).map((name) => [indexOf(name), activations.take(indexOf(name))]));
}

function above<T extends DeviceTensor>(
  context: PassContext<T>,
  cut: number,
  live: ReadonlyMap<number, T>,
  mode: ForwardMode,
): ReturnType<typeof forward<T>> {
  return forward(context, { from: cut, to: layers.length }, live, mode);
}

const CUTS = Array.from({ length: layers.length }, (_, index) => index + 1);

describe.each([
  ["inference mode", INFERENCE, CUTS],
  // Batch statistics everywhere; 50, 100 and 118 are inside residual blocks.
  ["training mode", LOOK, [1, 20, 50, 67, 100, 118, 140, 155, 157]],
] as const)("two ranges in %s", (_title, mode, cuts) => {
  it("give the logits of one, bit for bit, wherever the cut is, and leave no tensor", async () => {
    const kernels = await cpuKernels();
    const context = contextOf(kernels, network, weights, 0);
    const before = kernels.memory().tensors;
    const read = async (tensor: Tensor): Promise<readonly number[]> => {
      const values = Array.from(await kernels.download(tensor));
      kernels.dispose(tensor);
      return values;
    };
    const whole = await read(forwardAll(context, batch, mode).take(layers.length - 1));
    expect(new Set(whole).size).toBe(6);
    for (const cut of cuts) {
      const live = below(context, cut, mode);
      expect(live.size, `cut ${cut}`).toBeGreaterThan(0);
      const last = cut === layers.length ? live.get(cut - 1) : above(context, cut, live, mode).take(layers.length - 1);
      if (last === undefined) throw new Error(`Cut ${cut} gave no output.`);
      expect(await read(last), `cut ${cut}`).toEqual(whole);
      expect(kernels.memory().tensors, `cut ${cut}`).toBe(before);
    }
    context.variables.dispose();
  });
});

describe("a frozen prefix", () => {
  async function gradients(
    context: PassContext<Tensor>,
    run: () => ReturnType<typeof forward<Tensor>>,
  ): Promise<NamedNumbers> {
    const { kernels } = context;
    const activations = run();
    kernels.dispose(activations.take(layers.length - 1));
    const dLogits = kernels.upload(Float32Array.of(0.5, -0.25, -0.25, -0.5, 0.25, 0.25), [2, 3]);
    const found = backward(context, activations, dLogits);
    const values = await readAll(found, (tensor) => kernels.download(tensor));
    for (const gradient of found.values()) kernels.dispose(gradient);
    activations.dispose();
    return values;
  }

  it.each([100, 140])("run apart gives the gradients of a whole pass, bit for bit (%s layers)", async (count) => {
    const kernels = await cpuKernels();
    const context = contextOf(kernels, network, weights, count);
    const before = kernels.memory().tensors;
    const whole = await gradients(context, () => forwardAll(context, batch, TRAINING));
    context.variables.dispose();
    const fresh = contextOf(kernels, network, weights, count);
    const apart = await gradients(fresh, () => above(fresh, count, below(fresh, count, INFERENCE), TRAINING));
    expect(Object.keys(whole).length).toBeGreaterThan(10);
    expect(apart).toEqual(whole);
    expect(kernels.memory().tensors).toBe(before);
    fresh.variables.dispose();
  });
});

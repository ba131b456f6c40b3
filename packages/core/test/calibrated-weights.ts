import type { Layer } from "../src/model/layer.ts";
import type { HostTensor } from "../src/model/safetensors.ts";
import { cpuKernels } from "./cpu-engine.ts";
import { contextOf, forwardAll, type StepBatch, TRAINING } from "./one-step.ts";
import { randomWeights } from "./random-weights.ts";
import type { TinyNetwork } from "./tiny-network.ts";

/** The same layer, its moving statistics those of the last batch. */
function forgetful(layer: Layer): Layer {
  return layer.op.type === "BatchNormalization" ? { ...layer, op: { ...layer.op, momentum: 0 } } : layer;
}

/**
 * Random weights whose moving statistics are those of a batch, as in a trained network. With statistics of no data a
 * deep network in inference mode gives the same output for every image, and a test on it tests nothing.
 */
export async function calibratedWeights(
  network: TinyNetwork,
  images: Float32Array,
  seed: number,
): Promise<Map<string, HostTensor>> {
  const kernels = await cpuKernels();
  const [base, head] = [network.base.map(forgetful), network.head.map(forgetful)];
  const [input = []] = network.layers.map((layer) => layer.outputShape);
  const count = images.length / input.reduce((a, b) => a * b, 1);
  const batch: StepBatch = { images, labels: new Int32Array(count) };
  const context = contextOf(
    kernels,
    { base, head, layers: [...base, ...head] },
    randomWeights(network.layers, seed),
    0,
  );
  forwardAll(context, batch, TRAINING).dispose();
  const weights = await context.variables.download();
  context.variables.dispose();
  return weights;
}

import { randomStream } from "../src/data/random.ts";
import { type Layer, sizeOf } from "../src/model/layer.ts";
import type { HostTensor } from "../src/model/safetensors.ts";

/** Ranges that keep activations alive: what is not named here is drawn from -1 to 1. */
const RANGES: Readonly<Record<string, readonly [low: number, high: number]>> = {
  gamma: [0.5, 2],
  beta: [-0.5, 1.5],
  moving_mean: [-0.5, 0.5],
  moving_variance: [0.25, 2],
};

/** Random weights for layers, moving statistics too: unlike fresh ones, no two channels are alike. */
export function randomWeights(layers: readonly Layer[], seed: number): Map<string, HostTensor> {
  const named = layers.flatMap((layer) =>
    layer.weights.map((weight) => ({ ...weight, name: `${layer.name}/${weight.name}` })),
  );
  return new Map(
    named.map(({ name, shape }): [string, HostTensor] => {
      const random = randomStream(seed, name);
      const kernel = name.endsWith("/kernel");
      const reach = kernel ? 1.5 / Math.sqrt(sizeOf(shape.slice(0, -1))) : 1;
      const [low, high] = RANGES[name.split("/")[1] ?? ""] ?? [-reach, reach];
      const data = Float32Array.from({ length: sizeOf(shape) }, () => low + random.uniform() * (high - low));
      return [name, { dtype: "float32", shape, data }];
    }),
  );
}

/** Random images, float32 -1…1, with random labels. */
export function randomBatch(
  count: number,
  imageShape: readonly number[],
  classes: number,
  seed: number,
): { images: Float32Array; labels: Int32Array } {
  const random = randomStream(seed, "batch");
  return {
    images: Float32Array.from({ length: count * sizeOf(imageShape) }, () => random.uniform() * 2 - 1),
    labels: Int32Array.from({ length: count }, () => random.below(classes)),
  };
}

import { readVerified } from "../data/images.ts";
import { randomStream } from "../data/random.ts";
import type { Layer } from "../model/layer.ts";
import { type HostTensor, type NamedTensors, parseSafetensors } from "../model/safetensors.ts";
import { networkOf, type Plan } from "../plan/plan.ts";
import type { Host } from "../runner/runner.ts";

const ONES = new Set(["gamma", "moving_variance", "variance"]);

/** Receptive field times the last two axes, as Keras computes fans: a depthwise kernel `[h, w, channels, 1]` too. */
function fans(shape: readonly number[]): { fanIn: number; fanOut: number } {
  const [inputs = 1, outputs = 1] = shape.slice(-2);
  const field = shape.slice(0, -2).reduce((product, size) => product * size, 1);
  return { fanIn: field * inputs, fanOut: field * outputs };
}

/**
 * Fresh weights of a layer: kernels Glorot uniform from the project's own random numbers, biases 0, normalizations identity.
 * @param seed the experiment's seed; each tensor has a stream of its own, so that layers do not move each other
 */
export function initialWeights(layer: Layer, seed: number): Map<string, HostTensor> {
  const values = new Map<string, HostTensor>();
  for (const { name, shape } of layer.weights) {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    if (name === "kernel") {
      const { fanIn, fanOut } = fans(shape);
      const limit = Math.sqrt(6 / (fanIn + fanOut));
      const random = randomStream(seed, `init/${layer.name}/${name}`);
      for (let index = 0; index < data.length; index += 1) data[index] = (random.uniform() * 2 - 1) * limit;
    } else if (ONES.has(name)) {
      data.fill(1);
    }
    values.set(`${layer.name}/${name}`, { dtype: "float32", shape, data });
  }
  return values;
}

/** The weights a run starts from: pretrained base, given or fresh head. */
export async function startingWeights(plan: Plan, host: Pick<Host, "readBlob">): Promise<NamedTensors> {
  const network = networkOf(plan);
  const weights = new Map<string, HostTensor>();
  for (const layer of network.layers) {
    for (const [name, value] of initialWeights(layer, plan.spec.seed)) weights.set(name, value);
  }
  for (const ref of [plan.weights, plan.headWeights]) {
    if (ref === null || ref.blob === null) continue;
    const bytes = await readVerified(ref.blob, host.readBlob);
    for (const [name, value] of parseSafetensors(bytes, ref.source)) if (weights.has(name)) weights.set(name, value);
  }
  return weights;
}

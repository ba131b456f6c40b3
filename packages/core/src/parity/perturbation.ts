import { randomStream } from "../data/random.ts";
import type { HostTensor, NamedTensors } from "../model/safetensors.ts";

/** The neighbouring float32 above or below; zeros and non-finite values stay. */
function neighbour(bits: number, up: boolean): number {
  const magnitude = bits & 0x7fffffff;
  if (magnitude === 0 || magnitude >= 0x7f7fffff) return bits;
  const negative = bits < 0;
  return up === negative ? bits - 1 : bits + 1;
}

/**
 * Moves every weight by one ULP, up or down at random: what another order of summation might have done. The run that
 * starts from these shows a backend's self-noise.
 */
export function perturbWeights(weights: NamedTensors, seed: number): Map<string, HostTensor> {
  const random = randomStream(seed, "perturbation");
  return new Map(
    [...weights].map(([name, tensor]) => {
      const data = Float32Array.from(tensor.data);
      const bits = new Int32Array(data.buffer);
      for (let index = 0; index < bits.length; index += 1) {
        bits[index] = neighbour(bits[index] ?? 0, random.below(2) === 1);
      }
      return [name, { ...tensor, data }];
    }),
  );
}

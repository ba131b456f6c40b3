import type { Tensor } from "@tensorflow/tfjs-core";
import type { EagerAttributes } from "./eager-ops.ts";

/** Attributes of an operation that ends with a ReLU, or does not. */
export function reluAttributes(maxValue: number | null | undefined): {
  bools: { relu: boolean };
  floats: { max_value: number };
} {
  return { bools: { relu: maxValue !== undefined }, floats: { max_value: maxValue ?? Number.POSITIVE_INFINITY } };
}

/** Merges attributes of an operation, which has no type attribute. */
export function attributes(...parts: readonly EagerAttributes[]): EagerAttributes {
  const merged = { bools: {}, floats: {}, ints: {} };
  for (const { bools, floats, ints } of parts) {
    Object.assign(merged.bools, bools);
    Object.assign(merged.floats, floats);
    Object.assign(merged.ints, ints);
  }
  return { ...merged, types: {} };
}

/** Of an operation's results those that are wanted, by name in the operation's order; frees the others. */
export function wantedOf<N extends string>(
  results: readonly Tensor[],
  wanted: Readonly<Record<N, boolean>>,
): Partial<Record<N, Tensor>> {
  const chosen: Partial<Record<N, Tensor>> = {};
  for (const [index, name] of (Object.keys(wanted) as N[]).entries()) {
    const tensor = results[index];
    if (wanted[name] && tensor !== undefined) chosen[name] = tensor;
    else tensor?.dispose();
  }
  return chosen;
}

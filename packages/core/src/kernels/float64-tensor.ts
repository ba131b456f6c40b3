import { sizeOf } from "../model/layer.ts";
import type { DeviceTensor } from "./kernels.ts";

/** A tensor in float64 that knows how well-conditioned the computation behind each element was. */
export interface Float64Tensor extends DeviceTensor {
  readonly data: Float64Array;
  /**
   * The condition sum of each element: Σ|aᵢbᵢ| over the products that it sums, or the like for what is no plain sum.
   * Rounding errors are in proportion to it, not to the value, which may be small by cancellation. Zero where a
   * correct implementation has no rounding error at all.
   */
  readonly scale: Float64Array;
  /** Length of the longest sum behind an element. */
  readonly terms: number;
}

/** Makes a tensor of exact values (scale zero). */
export function float64Tensor(shape: readonly number[], data: ArrayLike<number>): Float64Tensor {
  return { shape: [...shape], data: Float64Array.from(data), scale: new Float64Array(sizeOf(shape)), terms: 1 };
}

/** Makes a tensor of zeros with room for a condition sum. */
export function float64Zeros(shape: readonly number[], terms: number): Float64Tensor {
  return { shape: [...shape], data: new Float64Array(sizeOf(shape)), scale: new Float64Array(sizeOf(shape)), terms };
}

/** Reads an element; an index outside of the array is a bug in the reference, so it is loud. */
export function at(array: ArrayLike<number>, index: number): number {
  const value = array[index];
  if (value === undefined) throw new RangeError(`float64 reference: index ${index} of ${array.length}`);
  return value;
}

/** Adds a term with its magnitude. */
export function accumulate(into: Float64Tensor, index: number, term: number, magnitude: number = Math.abs(term)): void {
  into.data[index] = at(into.data, index) + term;
  into.scale[index] = at(into.scale, index) + magnitude;
}

/** Computes each element as `[value, scale]`. */
export function elementwise(
  shape: readonly number[],
  compute: (index: number) => readonly [value: number, scale: number],
  terms = 1,
): Float64Tensor {
  const result = float64Zeros(shape, terms);
  for (let index = 0; index < result.data.length; index++) {
    const [value, scale] = compute(index);
    result.data[index] = value;
    result.scale[index] = scale;
  }
  return result;
}

import type { Padding } from "../model/layer.ts";
import type { Window } from "./kernels.ts";

/** Whether a padding adds nothing. */
export function isZeroPadding(padding: Padding): boolean {
  return padding.every(([before, after]) => before === 0 && after === 0);
}

/** Whether a convolution is one matrix product over pixels. */
export function isPointwise(kernelShape: readonly number[], { strides, padding }: Window): boolean {
  return kernelShape[0] === 1 && kernelShape[1] === 1 && strides === 1 && isZeroPadding(padding);
}

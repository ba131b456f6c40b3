import type { Tensor, Tensor4D } from "@tensorflow/tfjs-core";
import type { Padding } from "../model/layer.ts";
import type { Tfjs } from "./tfjs-kernels.ts";
import { paddingKernels } from "./tfjs-padding.ts";

/** What a window's gradient is composed of, where a backend has no kernel for it. */
export interface TapOperations {
  /**
   * The input pixels that each tap of a window meets.
   * @param x padded
   * @param outShape of the window's result
   * @returns a tensor of the result's height and width for each tap, by rows
   */
  taps(x: Tensor, outShape: readonly number[], kernelShape: readonly number[], strides: number): Tensor[];
  /** Puts `strides - 1` zeros after each element of an axis. */
  dilate(x: Tensor, axis: number, strides: number): Tensor;
  /** Pads; a negative number behind cuts. */
  padOrCut(x: Tensor, padding: Padding): Tensor4D;
}

/** Makes them on any tfjs backend; temporary tensors are the caller's tidy's. */
export function tapOperations(tf: Tfjs): TapOperations {
  const { zeroPad, zeroPadGradient } = paddingKernels(tf);

  return {
    taps(x, outShape, kernelShape, strides) {
      const [batch = 0, , , channels = 0] = x.shape;
      const [, height = 0, width = 0] = outShape;
      const [kernelHeight = 0, kernelWidth = 0] = kernelShape;
      const end = (from: number, size: number): number => from + (size - 1) * strides + 1;
      return Array.from({ length: kernelHeight * kernelWidth }, (_, tap) => {
        const [row, column] = [Math.floor(tap / kernelWidth), tap % kernelWidth];
        const ends = [batch, end(row, height), end(column, width), channels];
        return tf.stridedSlice(x, [0, row, column, 0], ends, [1, strides, strides, 1]);
      });
    },

    dilate(x, axis, strides) {
      if (strides === 1) return x;
      const zeros = Array.from({ length: strides - 1 }, () => tf.zerosLike(x));
      const shape = x.shape.map((size, index) => (index === axis ? size * strides : size));
      return tf.reshape(tf.stack([x, ...zeros], axis + 1), shape);
    },

    padOrCut(x, [[top, bottom], [left, right]]) {
      const cut: Padding = [
        [0, Math.max(-bottom, 0)],
        [0, Math.max(-right, 0)],
      ];
      const padding: Padding = [
        [top, Math.max(bottom, 0)],
        [left, Math.max(right, 0)],
      ];
      return zeroPad(zeroPadGradient(x, cut), padding) as Tensor4D;
    },
  };
}

import type { Tensor, Tensor4D } from "@tensorflow/tfjs-core";
import type { Window } from "./kernels.ts";
import type { Tfjs } from "./tfjs-kernels.ts";

/** Windows here have no padding: zeros are written out before and cut off after. */
type Strides = Pick<Window, "strides">;

/**
 * Convolution gradients composed of products, slices and forward convolutions, for backends that have no kernels for
 * them (wasm).
 */
export interface ComposedGradients {
  conv2dKernelGradient(x: Tensor, dy: Tensor, kernelShape: readonly number[], window: Strides): Tensor;
  depthwiseConv2dInputGradient(dy: Tensor, kernel: Tensor, inputShape: readonly number[], window: Strides): Tensor;
  depthwiseConv2dKernelGradient(x: Tensor, dy: Tensor, kernelShape: readonly number[], window: Strides): Tensor;
}

/** Composes the convolution gradients that a tfjs backend may lack. */
export function composedGradients(tf: Tfjs): ComposedGradients {
  /** The input pixels that each tap of a kernel meets, one tensor of dy's height and width for each tap. */
  function taps(x: Tensor, dy: Tensor, kernelShape: readonly number[], strides: number): Tensor[] {
    const [batch = 0, , , channels = 0] = x.shape;
    const [, height = 0, width = 0] = dy.shape;
    const [kernelHeight = 0, kernelWidth = 0] = kernelShape;
    const end = (from: number, size: number): number => from + (size - 1) * strides + 1;
    return Array.from({ length: kernelHeight * kernelWidth }, (_, tap) => {
      const [row, column] = [Math.floor(tap / kernelWidth), tap % kernelWidth];
      const ends = [batch, end(row, height), end(column, width), channels];
      return tf.stridedSlice(x, [0, row, column, 0], ends, [1, strides, strides, 1]);
    });
  }

  /** Puts `strides - 1` zeros after each element of an axis. */
  function dilate(x: Tensor, axis: number, strides: number): Tensor {
    if (strides === 1) return x;
    const zeros = Array.from({ length: strides - 1 }, () => tf.zerosLike(x));
    const shape = x.shape.map((size, index) => (index === axis ? size * strides : size));
    return tf.reshape(tf.stack([x, ...zeros], axis + 1), shape);
  }

  /** Pads in front, and pads or (where negative) cuts behind. */
  function padOrCut(x: Tensor, [[top, bottom], [left, right]]: readonly [readonly [number, number], readonly [number, number]]): Tensor4D {
    const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
    const kept = tf.slice(x, [0, 0, 0, 0], [batch, height + Math.min(bottom, 0), width + Math.min(right, 0), channels]);
    return tf.pad(kept, [[0, 0], [top, Math.max(bottom, 0)], [left, Math.max(right, 0)], [0, 0]]) as Tensor4D;
  }

  return {
    conv2dKernelGradient: (x, dy, kernelShape, { strides }) =>
      tf.tidy(() => {
        const rows = (tensor: Tensor): Tensor => tf.reshape(tensor, [-1, tensor.shape.at(-1) ?? 1]);
        const products = taps(x, dy, kernelShape, strides).map((tap) => tf.matMul(rows(tap), rows(dy), true, false));
        return tf.reshape(tf.stack(products), [...kernelShape]);
      }),

    depthwiseConv2dInputGradient: (dy, kernel, inputShape, { strides }) =>
      tf.tidy(() => {
        const [kernelHeight = 0, kernelWidth = 0] = kernel.shape;
        const [, inputHeight = 0, inputWidth = 0] = inputShape;
        const dilated = dilate(dilate(dy, 2, strides), 1, strides);
        // A full correlation with the turned kernel; what the stride left unread on the far side gets zeros.
        const [, height = 0, width = 0] = dilated.shape;
        const padded = padOrCut(dilated, [
          [kernelHeight - 1, inputHeight - height],
          [kernelWidth - 1, inputWidth - width],
        ]);
        return tf.depthwiseConv2d(padded, tf.reverse(kernel as Tensor4D, [0, 1]), 1, "valid");
      }),

    depthwiseConv2dKernelGradient: (x, dy, kernelShape, { strides }) =>
      tf.tidy(() => {
        const sums = taps(x, dy, kernelShape, strides).map((tap) => tf.sum(tf.mul(tap, dy), [0, 1, 2]));
        return tf.reshape(tf.stack(sums), [...kernelShape]);
      }),
  };
}

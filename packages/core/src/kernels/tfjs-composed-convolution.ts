import type { Tensor, Tensor4D } from "@tensorflow/tfjs-core";
import type { Padding } from "../model/layer.ts";
import type { Kernels } from "./kernels.ts";
import type { Tfjs } from "./tfjs-kernels.ts";
import { paddedShape, paddingKernels } from "./tfjs-padding.ts";

/** Convolution gradients that a tfjs backend may lack. */
type ComposedName = "conv2dKernelGradient" | "depthwiseConv2dInputGradient" | "depthwiseConv2dKernelGradient";

/**
 * Convolution gradients composed of products, slices and forward convolutions, for tfjs backends that have no kernels
 * for them (wasm).
 */
export function composedConvolutions(tf: Tfjs): Pick<Kernels<Tensor>, ComposedName> {
  const { zeroPad, zeroPadGradient } = paddingKernels(tf);

  /** The input pixels that each tap of a kernel meets: a tensor of dy's height and width for each tap. */
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

  /** Pads; a negative number behind cuts. */
  function padOrCut(x: Tensor, [[top, bottom], [left, right]]: Padding): Tensor4D {
    const cut: Padding = [
      [0, Math.max(-bottom, 0)],
      [0, Math.max(-right, 0)],
    ];
    const padding: Padding = [
      [top, Math.max(bottom, 0)],
      [left, Math.max(right, 0)],
    ];
    return zeroPad(zeroPadGradient(x, cut), padding) as Tensor4D;
  }

  return {
    conv2dKernelGradient: (x, dy, kernelShape, { strides, padding }) =>
      tf.tidy(() => {
        const rows = (tensor: Tensor): Tensor => tf.reshape(tensor, [-1, tensor.shape.at(-1) ?? 1]);
        const inputs = taps(zeroPad(x, padding), dy, kernelShape, strides);
        const products = inputs.map((tap) => tf.matMul(rows(tap), rows(dy), true, false));
        return tf.reshape(tf.stack(products), [...kernelShape]);
      }),

    depthwiseConv2dInputGradient: (dy, kernel, inputShape, { strides, padding }) =>
      tf.tidy(() => {
        const [kernelHeight = 0, kernelWidth = 0] = kernel.shape;
        const [, inputHeight, inputWidth] = paddedShape(inputShape, padding);
        const dilated = dilate(dilate(dy, 2, strides), 1, strides);
        // A full correlation with the turned kernel; what the stride left unread on the far side gets zeros.
        const [, height = 0, width = 0] = dilated.shape;
        const padded = padOrCut(dilated, [
          [kernelHeight - 1, inputHeight - height],
          [kernelWidth - 1, inputWidth - width],
        ]);
        const dx = tf.depthwiseConv2d(padded, tf.reverse(kernel as Tensor4D, [0, 1]), 1, "valid");
        return zeroPadGradient(dx, padding);
      }),

    depthwiseConv2dKernelGradient: (x, dy, kernelShape, { strides, padding }) =>
      tf.tidy(() => {
        const inputs = taps(zeroPad(x, padding), dy, kernelShape, strides);
        const sums = inputs.map((tap) => tf.sum(tf.mul(tap, dy), [0, 1, 2]));
        return tf.reshape(tf.stack(sums), [...kernelShape]);
      }),
  };
}

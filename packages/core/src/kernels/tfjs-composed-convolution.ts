import type { Tensor, Tensor4D } from "@tensorflow/tfjs-core";
import type { Kernels } from "./kernels.ts";
import type { Tfjs } from "./tfjs-kernels.ts";
import { paddedShape, paddingKernels } from "./tfjs-padding.ts";
import { tapOperations } from "./tfjs-taps.ts";

/** Convolution gradients that a tfjs backend may lack. */
type ComposedName = "conv2dKernelGradient" | "depthwiseConv2dInputGradient" | "depthwiseConv2dKernelGradient";

/**
 * Convolution gradients composed of products, slices and forward convolutions, for tfjs backends that have no kernels
 * for them (wasm).
 */
export function composedConvolutions(tf: Tfjs): Pick<Kernels<Tensor>, ComposedName> {
  const { zeroPad, zeroPadGradient } = paddingKernels(tf);

  const { taps, dilate, padOrCut } = tapOperations(tf);

  return {
    conv2dKernelGradient: (x, dy, kernelShape, { strides, padding }) =>
      tf.tidy(() => {
        const rows = (tensor: Tensor): Tensor => tf.reshape(tensor, [-1, tensor.shape.at(-1) ?? 1]);
        const inputs = taps(zeroPad(x, padding), dy.shape, kernelShape, strides);
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
        const inputs = taps(zeroPad(x, padding), dy.shape, kernelShape, strides);
        const sums = inputs.map((tap) => tf.sum(tf.mul(tap, dy), [0, 1, 2]));
        return tf.reshape(tf.stack(sums), [...kernelShape]);
      }),
  };
}

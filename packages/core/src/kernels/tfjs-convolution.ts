import type { Tensor, Tensor4D } from "@tensorflow/tfjs-core";
import type { Padding } from "../model/layer.ts";
import { samePadding } from "../model/table-builder.ts";
import type { ConvolutionKernel, Kernels, Window } from "./kernels.ts";
import { composedConvolutions } from "./tfjs-composed-convolution.ts";
import type { Tfjs } from "./tfjs-kernels.ts";
import { paddedShape, paddingKernels } from "./tfjs-padding.ts";
import { isPointwise, isZeroPadding } from "./window.ts";

const NO_PADDING: Padding = [
  [0, 0],
  [0, 0],
];

/** A window in TensorFlow's words, with the zeros that have to be written out because TensorFlow has no word for them. */
export interface NativeWindow {
  readonly pad: "same" | "valid";
  readonly explicit: Padding | undefined;
}

/** Says how a backend that knows only `same` and `valid` gets a given padding. */
export function nativeWindow(
  inputShape: readonly number[],
  kernelShape: readonly number[],
  { strides, padding }: Window,
): NativeWindow {
  if (isZeroPadding(padding)) return { pad: "valid", explicit: undefined };
  const isSame = padding.every(([before, after], axis) => {
    const same = samePadding(inputShape[axis + 1] ?? 0, kernelShape[axis] ?? 0, strides);
    return before === same[0] && after === same[1];
  });
  // The tensorflow backend rejects explicit paddings in its gradient kernels, so they are never handed on.
  return isSame ? { pad: "same", explicit: undefined } : { pad: "valid", explicit: padding };
}

/** Convolutions and their gradients on any tfjs backend; a gradient that the backend lacks is composed. */
export function convolutionKernels(tf: Tfjs): Pick<Kernels<Tensor>, ConvolutionKernel> {
  const { zeroPad, zeroPadGradient } = paddingKernels(tf);
  const composed = composedConvolutions(tf);
  const lacks = (name: string): boolean => tf.getKernel(name, tf.getBackend()) === undefined;

  const forward =
    (op: "conv2d" | "depthwiseConv2d"): Kernels<Tensor>["conv2d"] =>
    (x, kernel, window) =>
      tf.tidy(() => {
        const { pad, explicit } = nativeWindow(x.shape, kernel.shape, window);
        const input = (explicit === undefined ? x : zeroPad(x, explicit)) as Tensor4D;
        return tf[op](input, kernel as Tensor4D, window.strides, pad);
      });

  // tfjs has no public functions for these gradients, so its kernels are run by name.
  const inputGradient =
    (name: string, attributes: Record<string, string | number>): Kernels<Tensor>["conv2dInputGradient"] =>
    (dy, kernel, inputShape, window) =>
      tf.tidy(() => {
        const { pad, explicit = NO_PADDING } = nativeWindow(inputShape, kernel.shape, window);
        const shape = paddedShape(inputShape, explicit);
        const inputs = { dy, filter: kernel };
        const options = { strides: window.strides, pad, inputShape: shape, ...attributes };
        const dx = tf.engine().runKernel<Tensor>(name, inputs, options);
        return isZeroPadding(explicit) ? dx : zeroPadGradient(dx, explicit);
      });

  const kernelGradient =
    (name: string, attributes: Record<string, string | number>): Kernels<Tensor>["conv2dKernelGradient"] =>
    (x, dy, kernelShape, window) =>
      tf.tidy(() => {
        const { pad, explicit } = nativeWindow(x.shape, kernelShape, window);
        const inputs = { x: explicit === undefined ? x : zeroPad(x, explicit), dy };
        const options = { strides: window.strides, pad, filterShape: [...kernelShape], ...attributes };
        return tf.engine().runKernel<Tensor>(name, inputs, options);
      });

  /** `[pixels, channels]`. */
  const rows = (image: Tensor): Tensor => tf.reshape(image, [-1, image.shape.at(-1) ?? 1]);
  const pointwiseKernelGradient: Kernels<Tensor>["conv2dKernelGradient"] = (x, dy, kernelShape) =>
    tf.tidy(() => tf.reshape(tf.matMul(rows(x), rows(dy), true, false), [...kernelShape]));

  const plain = { dataFormat: "NHWC" };
  const depthwise = { dilations: 1 };
  const native = {
    conv2dKernelGradient: kernelGradient("Conv2DBackpropFilter", plain),
    depthwiseConv2dInputGradient: inputGradient("DepthwiseConv2dNativeBackpropInput", depthwise),
    depthwiseConv2dKernelGradient: kernelGradient("DepthwiseConv2dNativeBackpropFilter", depthwise),
  };

  return {
    conv2d: forward("conv2d"),
    conv2dInputGradient: inputGradient("Conv2DBackpropInput", plain),
    conv2dKernelGradient(x, dy, kernelShape, window) {
      // Conv2DBackpropFilter sums over all pixels in series for each weight: 75 times slower on cpu, 1.3 on tensorflow.
      if (isPointwise(kernelShape, window)) return pointwiseKernelGradient(x, dy, kernelShape, window);
      return (lacks("Conv2DBackpropFilter") ? composed : native).conv2dKernelGradient(x, dy, kernelShape, window);
    },
    depthwiseConv2d: forward("depthwiseConv2d"),
    depthwiseConv2dInputGradient: (...inputs) =>
      (lacks("DepthwiseConv2dNativeBackpropInput") ? composed : native).depthwiseConv2dInputGradient(...inputs),
    depthwiseConv2dKernelGradient: (...inputs) =>
      (lacks("DepthwiseConv2dNativeBackpropFilter") ? composed : native).depthwiseConv2dKernelGradient(...inputs),
  };
}

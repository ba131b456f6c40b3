import type { Tensor, Tensor4D } from "@tensorflow/tfjs-core";
import type { Padding } from "../model/layer.ts";
import { samePadding } from "../model/table-builder.ts";
import type { Kernels, Window } from "./kernels.ts";
import type { Tfjs } from "./tfjs-kernels.ts";

type ConvolutionName =
  | "conv2d"
  | "conv2dInputGradient"
  | "conv2dKernelGradient"
  | "depthwiseConv2d"
  | "depthwiseConv2dInputGradient"
  | "depthwiseConv2dKernelGradient";

type Shape4 = [number, number, number, number];

/** A window in TensorFlow's words, with the zeros that have to be written out because TensorFlow has no word for them. */
interface NativeWindow {
  readonly pad: "same" | "valid";
  readonly explicit: Padding | undefined;
}

function isZero(padding: Padding): boolean {
  return padding.every(([before, after]) => before === 0 && after === 0);
}

/** Says how a backend that knows only `same` and `valid` gets a given padding. */
export function nativeWindow(
  inputShape: readonly number[],
  kernelShape: readonly number[],
  { strides, padding }: Window,
): NativeWindow {
  if (isZero(padding)) return { pad: "valid", explicit: undefined };
  const isSame = padding.every(([before, after], axis) => {
    const same = samePadding(inputShape[axis + 1] ?? 0, kernelShape[axis] ?? 0, strides);
    return before === same[0] && after === same[1];
  });
  // The tensorflow backend rejects explicit paddings in its gradient kernels, so they are never handed on.
  return isSame ? { pad: "same", explicit: undefined } : { pad: "valid", explicit: padding };
}

/** A convolution that is one matrix product over pixels. */
export function isPointwise(kernelShape: readonly number[], { strides, padding }: Window): boolean {
  return kernelShape[0] === 1 && kernelShape[1] === 1 && strides === 1 && isZero(padding);
}

function shape4(shape: readonly number[]): Shape4 {
  const [batch = 0, height = 0, width = 0, channels = 0] = shape;
  return [batch, height, width, channels];
}

function paddedShape(shape: readonly number[], [rows, columns]: Padding): Shape4 {
  const [batch, height, width, channels] = shape4(shape);
  return [batch, height + rows[0] + rows[1], width + columns[0] + columns[1], channels];
}

/** Zero padding and its inverse on any tfjs backend. */
export function paddingKernels(tf: Tfjs): Pick<Kernels<Tensor>, "zeroPad" | "zeroPadGradient"> {
  return {
    zeroPad: (x, [rows, columns]) => tf.pad(x, [[0, 0], [...rows], [...columns], [0, 0]]),
    zeroPadGradient(dy, [rows, columns]) {
      const [batch, height, width, channels] = shape4(dy.shape);
      const size = [batch, height - rows[0] - rows[1], width - columns[0] - columns[1], channels];
      return tf.slice(dy, [0, rows[0], columns[0], 0], size);
    },
  };
}

/** Convolutions and their gradients on any tfjs backend. */
export function convolutionKernels(tf: Tfjs): Pick<Kernels<Tensor>, ConvolutionName> {
  const { zeroPad, zeroPadGradient } = paddingKernels(tf);

  const composed = composedGradients(tf);

  /** Runs a kernel of tfjs for which there is no public function; `undefined` where the backend has no such kernel. */
  function run(
    name: string,
    inputs: Record<string, Tensor>,
    attributes: Record<string, string | number | number[]>,
  ): Tensor | undefined {
    if (!useNative(name) || tf.getKernel(name, tf.getBackend()) === undefined) return undefined;
    return tf.engine().runKernel<Tensor>(name, inputs, attributes);
  }

  function forward(op: "conv2d" | "depthwiseConv2d", x: Tensor, kernel: Tensor, window: Window): Tensor {
    return tf.tidy(() => {
      const { pad, explicit } = nativeWindow(x.shape, kernel.shape, window);
      const input = (explicit === undefined ? x : zeroPad(x, explicit)) as Tensor4D;
      return tf[op](input, kernel as Tensor4D, window.strides, pad);
    });
  }

  function inputGradient(
    name: string,
    dy: Tensor,
    kernel: Tensor,
    inputShape: readonly number[],
    window: Window,
    attributes: Record<string, string | number>,
  ): Tensor {
    return tf.tidy(() => {
      const { pad, explicit } = nativeWindow(inputShape, kernel.shape, window);
      const shape = explicit === undefined ? shape4(inputShape) : paddedShape(inputShape, explicit);
      const dx = run(name, { dy, filter: kernel }, { strides: window.strides, pad, inputShape: shape, ...attributes });
      return explicit === undefined ? dx : zeroPadGradient(dx, explicit);
    });
  }

  function kernelGradient(
    name: string,
    x: Tensor,
    dy: Tensor,
    kernelShape: readonly number[],
    window: Window,
    attributes: Record<string, string | number>,
  ): Tensor {
    return tf.tidy(() => {
      const { pad, explicit } = nativeWindow(x.shape, kernelShape, window);
      const input = explicit === undefined ? x : zeroPad(x, explicit);
      const filterShape = shape4(kernelShape);
      return run(name, { x: input, dy }, { strides: window.strides, pad, filterShape, ...attributes });
    });
  }

  const plain = { dataFormat: "NHWC" };
  const depthwise = { dilations: 1 };
  return {
    conv2d: (x, kernel, window) => forward("conv2d", x, kernel, window),
    conv2dInputGradient: (dy, kernel, inputShape, window) =>
      inputGradient("Conv2DBackpropInput", dy, kernel, inputShape, window, plain),
    conv2dKernelGradient: (x, dy, kernelShape, window) =>
      kernelGradient("Conv2DBackpropFilter", x, dy, kernelShape, window, plain),
    depthwiseConv2d: (x, kernel, window) => forward("depthwiseConv2d", x, kernel, window),
    depthwiseConv2dInputGradient: (dy, kernel, inputShape, window) =>
      inputGradient("DepthwiseConv2dNativeBackpropInput", dy, kernel, inputShape, window, depthwise),
    depthwiseConv2dKernelGradient: (x, dy, kernelShape, window) =>
      kernelGradient("DepthwiseConv2dNativeBackpropFilter", x, dy, kernelShape, window, depthwise),
  };
}

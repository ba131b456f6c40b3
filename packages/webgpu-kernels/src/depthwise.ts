import type { Tensor } from "@tensorflow/tfjs-core";
import type { Kernels, Window } from "@thaw/core";
import type { CommandStream } from "./command-stream.ts";
import {
  type DepthwiseShape,
  depthwiseForward,
  depthwiseInputGradient,
  depthwiseKernelGradient,
  STRIP,
} from "./depthwise-shaders.ts";
import { splitRows, sumParts } from "./partial-sums.ts";

type DepthwiseKernels = Pick<
  Kernels<Tensor>,
  "depthwiseConv2d" | "depthwiseConv2dInputGradient" | "depthwiseConv2dKernelGradient"
>;

/** What the shaders are written for; else undefined: kernels beyond 5×5, one channel of four missing, odd strides. */
function shapeOf(kernelShape: readonly number[], { strides }: Window): DepthwiseShape | undefined {
  const [kernelHeight = 0, kernelWidth = 0, channels = 0, multiplier = 0] = kernelShape;
  const suits = channels % 4 === 0 && multiplier === 1 && kernelHeight <= 5 && kernelWidth <= 5 && strides <= 2;
  return suits ? { kernelHeight, kernelWidth, strides } : undefined;
}

/** Height and width of an image tensor. */
const sizeOf = ([, height = 0, width = 0]: readonly number[]): readonly [number, number] => [height, width];

/** Parameters of a shader that makes `out` from `from`. */
function imageParams(
  out: readonly number[],
  from: readonly number[],
  [padTop, padLeft]: readonly [number, number],
): readonly number[] {
  const [batch = 0, , , channels = 0] = out;
  const [outHeight, outWidth] = sizeOf(out);
  return [channels / 4, Math.ceil(outWidth / STRIP), outHeight, outWidth, ...sizeOf(from), padTop, padLeft, batch];
}

function stripThreads(out: readonly number[]): number {
  const [batch = 0, height = 0, width = 0, channels = 0] = out;
  return batch * height * Math.ceil(width / STRIP) * (channels / 4);
}

/** Depthwise convolutions and their gradients; what the shaders cannot do goes to `plain`. */
export function depthwiseKernels(stream: CommandStream, plain: DepthwiseKernels): DepthwiseKernels {
  return {
    depthwiseConv2d(x, kernel, window) {
      const shape = shapeOf(kernel.shape, window);
      if (shape === undefined) return plain.depthwiseConv2d(x, kernel, window);
      const { strides, padding } = window;
      const [height, width] = sizeOf(x.shape);
      const outSize = (size: number, axis: 0 | 1, extent: number): number =>
        Math.floor((size + padding[axis][0] + padding[axis][1] - extent) / strides) + 1;
      const out = [
        x.shape[0] ?? 0,
        outSize(height, 0, shape.kernelHeight),
        outSize(width, 1, shape.kernelWidth),
        x.shape[3] ?? 0,
      ];
      const y = stream.output(out);
      stream.run(depthwiseForward(shape, false), {
        tensors: [x, kernel, y],
        params: imageParams(out, x.shape, [padding[0][0], padding[1][0]]),
        threads: stripThreads(out),
      });
      return y;
    },

    depthwiseConv2dInputGradient(dy, kernel, inputShape, window) {
      const shape = shapeOf(kernel.shape, window);
      if (shape === undefined) return plain.depthwiseConv2dInputGradient(dy, kernel, inputShape, window);
      const { strides, padding } = window;
      const [padTop, padLeft] = [padding[0][0], padding[1][0]];
      const dx = stream.output(inputShape);
      const isPlainStride = strides === 1;
      const pads = isPlainStride
        ? ([shape.kernelHeight - 1 - padTop, shape.kernelWidth - 1 - padLeft] as const)
        : ([padTop, padLeft] as const);
      stream.run(isPlainStride ? depthwiseForward(shape, true) : depthwiseInputGradient(shape, padLeft % strides), {
        tensors: [dy, kernel, dx],
        params: imageParams(inputShape, dy.shape, pads),
        threads: stripThreads(inputShape),
      });
      return dx;
    },

    depthwiseConv2dKernelGradient(x, dy, kernelShape, window) {
      const shape = shapeOf(kernelShape, window);
      if (shape === undefined) return plain.depthwiseConv2dKernelGradient(x, dy, kernelShape, window);
      const [batch = 0, height = 0, , channels = 0] = dy.shape;
      const split = splitRows(batch * height, channels / 4, 1);
      const parts = stream.output([split.count, shape.kernelHeight * shape.kernelWidth * channels]);
      const pads = [window.padding[0][0], window.padding[1][0]] as const;
      stream.run(depthwiseKernelGradient(shape), {
        tensors: [x, dy, parts],
        params: [...imageParams(dy.shape, x.shape, pads), split.rows, split.count],
        threads: (channels / 4) * split.count,
      });
      return sumParts(stream, parts, kernelShape);
    },
  };
}

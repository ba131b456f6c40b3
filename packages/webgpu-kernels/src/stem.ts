import type { Tensor } from "@tensorflow/tfjs-core";
import type { Kernels, Window } from "@thaw/core";
import type { CommandStream } from "./command-stream.ts";
import { splitRows, sumParts } from "./partial-sums.ts";
import { STEM_STRIP, type StemShape, stemForward, stemKernelGradient } from "./stem-shaders.ts";

type StemKernels = Pick<Kernels<Tensor>, "conv2d" | "conv2dKernelGradient">;

/** What the shaders are written for; else undefined. */
function shapeOf(kernelShape: readonly number[], { strides }: Window): StemShape | undefined {
  const [kernelHeight = 0, kernelWidth = 0, inputs = 0, outputs = 0] = kernelShape;
  const suits = inputs <= 4 && outputs % 4 === 0 && kernelHeight <= 5 && kernelWidth <= 5 && strides <= 2;
  return suits ? { kernelHeight, kernelWidth, inputs, strides } : undefined;
}

function outputSize(size: number, [before, after]: readonly [number, number], extent: number, strides: number): number {
  return Math.floor((size + before + after - extent) / strides) + 1;
}

/** Convolutions of images with few channels, forward and kernel gradient; others go to `next`. */
export function stemKernels(stream: CommandStream, next: StemKernels): StemKernels {
  return {
    conv2d(x, kernel, window) {
      const shape = shapeOf(kernel.shape, window);
      if (shape === undefined) return next.conv2d(x, kernel, window);
      const { strides, padding } = window;
      const [batch = 0, height = 0, width = 0] = x.shape;
      const outHeight = outputSize(height, padding[0], shape.kernelHeight, strides);
      const outWidth = outputSize(width, padding[1], shape.kernelWidth, strides);
      const columns4 = (kernel.shape[3] ?? 0) / 4;
      const strips = Math.ceil(outWidth / STEM_STRIP);
      const y = stream.output([batch, outHeight, outWidth, columns4 * 4]);
      stream.run(stemForward(shape), {
        tensors: [x, kernel, y],
        params: [columns4, strips, outHeight, outWidth, height, width, padding[0][0], padding[1][0], batch],
        threads: columns4 * strips * outHeight * batch,
      });
      return y;
    },
    conv2dKernelGradient(x, dy, kernelShape, window) {
      const shape = shapeOf(kernelShape, window);
      if (shape === undefined) return next.conv2dKernelGradient(x, dy, kernelShape, window);
      const [batch = 0, height = 0, width = 0] = x.shape;
      const [, outHeight = 0, outWidth = 0, outputs = 0] = dy.shape;
      const threads = (outputs / 4) * shape.kernelHeight;
      const split = splitRows(batch * outHeight, threads, 1);
      const { padding } = window;
      const parts = stream.output([split.count, kernelShape.reduce((product, size) => product * size, 1)]);
      const image = [outputs / 4, 0, outHeight, outWidth, height, width, padding[0][0], padding[1][0], batch];
      stream.run(stemKernelGradient(shape), {
        tensors: [x, dy, parts],
        params: [...image, split.rows, split.count],
        threads: threads * split.count,
      });
      return sumParts(stream, parts, kernelShape);
    },
  };
}

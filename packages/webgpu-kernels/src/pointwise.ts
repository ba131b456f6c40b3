import type { Tensor } from "@tensorflow/tfjs-core";
import { isPointwise, type Kernels } from "@thaw/core";
import type { CommandStream } from "./command-stream.ts";
import { splitRows, sumParts } from "./partial-sums.ts";
import { BLOCK_ROWS, OUTER_SUM, PRODUCT, PRODUCT_TRANSPOSED } from "./pointwise-shaders.ts";

/** Pixels of an image tensor over all images. */
function rowsOf(shape: readonly number[]): number {
  return shape.slice(0, -1).reduce((product, size) => product * size, 1);
}

const byFours = (...sizes: readonly number[]): boolean => sizes.every((size) => size % 4 === 0);

/** Whether a convolution is a product that these shaders can do. */
function suits(kernelShape: readonly number[], window: Parameters<typeof isPointwise>[1]): boolean {
  return isPointwise(kernelShape, window) && byFours(kernelShape[2] ?? 0, kernelShape[3] ?? 0);
}

/** 1×1 convolutions as products over pixels; what is no such product goes to `plain`. */
export function pointwiseKernels(
  stream: CommandStream,
  plain: Pick<Kernels<Tensor>, "conv2d" | "conv2dInputGradient" | "conv2dKernelGradient">,
): typeof plain {
  return {
    conv2d(x, kernel, window) {
      if (!suits(kernel.shape, window)) return plain.conv2d(x, kernel, window);
      const [inner, columns] = [kernel.shape[2] ?? 0, kernel.shape[3] ?? 0];
      const rows = rowsOf(x.shape);
      const y = stream.output([...x.shape.slice(0, -1), columns]);
      const threads = Math.ceil(rows / BLOCK_ROWS) * (columns / 4);
      stream.run(PRODUCT, { tensors: [x, kernel, y], params: [rows, inner / 4, columns / 4], threads });
      return y;
    },
    conv2dInputGradient(dy, kernel, inputShape, window) {
      if (!suits(kernel.shape, window)) return plain.conv2dInputGradient(dy, kernel, inputShape, window);
      const [columns, inner] = [kernel.shape[2] ?? 0, kernel.shape[3] ?? 0];
      const rows = rowsOf(dy.shape);
      const dx = stream.output(inputShape);
      const threads = Math.ceil(rows / BLOCK_ROWS) * (columns / 4);
      stream.run(PRODUCT_TRANSPOSED, { tensors: [dy, kernel, dx], params: [rows, inner / 4, columns / 4], threads });
      return dx;
    },
    conv2dKernelGradient(x, dy, kernelShape, window) {
      if (!suits(kernelShape, window)) return plain.conv2dKernelGradient(x, dy, kernelShape, window);
      const [inner, columns] = [kernelShape[2] ?? 0, kernelShape[3] ?? 0];
      const rows = rowsOf(x.shape);
      const tiles = (inner / 4) * (columns / 4);
      const split = splitRows(rows, tiles, 32);
      const parts = stream.output([split.count, inner * columns]);
      stream.run(OUTER_SUM, {
        tensors: [x, dy, parts],
        params: [rows, inner / 4, columns / 4, split.rows, split.count],
        threads: tiles * split.count,
      });
      return sumParts(stream, parts, kernelShape);
    },
  };
}

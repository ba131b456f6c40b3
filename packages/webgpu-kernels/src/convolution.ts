import type { Tensor } from "@tensorflow/tfjs-core";
import { isPointwise, type Kernels, sizeOf, type Window } from "@thaw/core";
import type { Commands } from "./commands.ts";
import { outputSize } from "./depthwise.ts";
import { pointwiseConvolution } from "./pointwise.ts";
import { lanesOf } from "./program.ts";
import { addUp } from "./row-sums.ts";
import { SPATIAL_PIXELS, SPATIAL_THREADS, spatialConvolution, spatialKernelGradient } from "./spatial-shaders.ts";
import type { Team } from "./teams.ts";

type Conv2dKernel = "conv2d" | "conv2dInputGradient" | "conv2dKernelGradient";

/** Parts that a kernel gradient is summed in at most. */
const MOST_PARTS = 256;
/** Columns of the kernel, and input channels, that a thread of the kernel gradient takes at most. */
const MOST_TAPS = 3;
const MOST_DEPTH = 4;

/** Whether a convolution is a matrix product that the tiles can do. */
function isTiled(kernelShape: readonly number[], window: Window): boolean {
  const [, , inChannels = 0, outChannels = 0] = kernelShape;
  return isPointwise(kernelShape, window) && inChannels % 4 === 0 && outChannels % 4 === 0;
}

/** Sizes of a convolution as the programs for any window want them. */
function windowSizes(
  inputShape: readonly number[],
  kernelShape: readonly number[],
  { strides, padding: [rows, columns] }: Window,
) {
  const [, height = 0, width = 0, channels = 0] = inputShape;
  const [kernelHeight = 0, kernelWidth = 0, , outChannels = 0] = kernelShape;
  const { lane, lanes } = lanesOf(outChannels);
  const sizes = {
    height,
    width,
    channels,
    outHeight: outputSize(height, kernelHeight, rows, strides),
    outWidth: outputSize(width, kernelWidth, columns, strides),
    lanes,
    kernelHeight,
    kernelWidth,
    strides,
    padTop: rows[0],
    padLeft: columns[0],
  };
  return { lane, sizes };
}

/** Convolutions: 1×1 as matrix products, others (the stem) pixel by pixel; no input gradient of those. */
export function convolutionKernels(
  commands: Commands,
  team: Team,
  plain: Kernels<Tensor>,
): Pick<Kernels<Tensor>, Conv2dKernel> {
  const pointwise = pointwiseConvolution(commands, team);
  return {
    conv2d(x, kernel, window) {
      if (isTiled(kernel.shape, window)) return pointwise.forward(x, kernel);
      const { lane, sizes } = windowSizes(x.shape, kernel.shape, window);
      const { outHeight, outWidth, lanes } = sizes;
      const [batch = 0] = x.shape;
      const y = commands.make([batch, outHeight, outWidth, kernel.shape[3] ?? 0]);
      const threads = Math.ceil(outWidth / SPATIAL_PIXELS) * Math.ceil(lanes / 2);
      const groups = [Math.ceil(threads / SPATIAL_THREADS), outHeight, batch] as const;
      commands.run(spatialConvolution(lane), { x, kernel }, { y }, sizes, groups);
      return y;
    },

    conv2dInputGradient(dy, kernel, inputShape, window) {
      if (isTiled(kernel.shape, window)) return pointwise.inputGradient(dy, kernel, inputShape);
      return plain.conv2dInputGradient(dy, kernel, inputShape, window);
    },

    conv2dKernelGradient(x, dy, kernelShape, window) {
      if (isTiled(kernelShape, window)) return pointwise.kernelGradient(x, dy, kernelShape);
      const { lane, sizes } = windowSizes(x.shape, kernelShape, window);
      const depth = Math.min(MOST_DEPTH, sizes.channels);
      const strips = (x.shape[0] ?? 0) * sizes.outHeight;
      const part = Math.ceil(strips / MOST_PARTS);
      const count = Math.ceil(strips / part);
      const parts = commands.make(count === 1 ? kernelShape : [count, sizeOf(kernelShape)]);
      const taps = Math.min(MOST_TAPS, sizes.kernelWidth);
      const rows = sizes.kernelHeight * Math.ceil(sizes.kernelWidth / taps);
      const threads = rows * Math.ceil(sizes.channels / depth) * Math.ceil(sizes.lanes / 2);
      const groups = [Math.ceil(threads / SPATIAL_THREADS), count] as const;
      commands.run(spatialKernelGradient(lane, taps, depth), { x, dy }, { parts }, { ...sizes, strips, part }, groups);
      return addUp(commands, team, parts, count, kernelShape);
    },
  };
}

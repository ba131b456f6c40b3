import type { Tensor } from "@tensorflow/tfjs-core";
import type { Kernels, Window } from "@thaw/core";
import type { Commands, Groups } from "./commands.ts";
import {
  DEPTHWISE_THREADS,
  depthwiseForward,
  depthwiseInputGradient2,
  depthwiseKernelGradient,
  FORWARD_TILES,
  GRADIENT_ROWS,
} from "./depthwise-shaders.ts";
import { lanesOf } from "./program.ts";
import { addUp } from "./row-sums.ts";
import type { Team } from "./teams.ts";

type DepthwiseKernel = "depthwiseConv2d" | "depthwiseConv2dInputGradient" | "depthwiseConv2dKernelGradient";

/** Parts that a kernel gradient is summed in at most. */
const MOST_PARTS = 512;

/** Stride of a window that the programs know; undefined for what the plain kernels must do. */
function knownStride(kernelShape: readonly number[], { strides }: Window): 1 | 2 | undefined {
  const [height, width, , multiplier] = kernelShape;
  if (height !== 3 || width !== 3 || multiplier !== 1) return undefined;
  return strides === 1 || strides === 2 ? strides : undefined;
}

/** Size of a convolution's output along an axis. */
export function outputSize(
  size: number,
  kernelSize: number,
  padding: readonly [number, number],
  strides: number,
): number {
  return Math.floor((size + padding[0] + padding[1] - kernelSize) / strides) + 1;
}

/** Depthwise 3×3 convolutions with stride 1 or 2 and any padding. */
export function depthwiseKernels(
  commands: Commands,
  team: Team,
  plain: Kernels<Tensor>,
): Pick<Kernels<Tensor>, DepthwiseKernel> {
  const tiles = (lanes: number, width: number, height: number, batch: number): Groups => [
    Math.ceil((lanes * width) / DEPTHWISE_THREADS),
    height,
    batch,
  ];

  function convolve(
    x: Tensor,
    kernel: Tensor,
    shape: readonly [number, number, number, number],
    strides: 1 | 2,
    [padTop, padLeft]: readonly [number, number],
    turned: boolean,
  ): Tensor {
    const [, height = 0, width = 0] = x.shape;
    const [batch, outHeight, outWidth, channels] = shape;
    const { lane, lanes } = lanesOf(channels);
    const tile = FORWARD_TILES[strides];
    const y = commands.make(shape);
    const sizes = { lanes, height, width, outHeight, outWidth, padTop, padLeft };
    const groups = tiles(lanes, Math.ceil(outWidth / tile.width), Math.ceil(outHeight / tile.height), batch);
    commands.run(depthwiseForward(lane, strides, turned), { x, kernel }, { y }, sizes, groups);
    return y;
  }

  return {
    depthwiseConv2d(x, kernel, window) {
      const strides = knownStride(kernel.shape, window);
      if (strides === undefined) return plain.depthwiseConv2d(x, kernel, window);
      const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
      const [rows, columns] = window.padding;
      const shape = [
        batch,
        outputSize(height, 3, rows, strides),
        outputSize(width, 3, columns, strides),
        channels,
      ] as const;
      return convolve(x, kernel, shape, strides, [rows[0], columns[0]], false);
    },

    depthwiseConv2dInputGradient(dy, kernel, inputShape, window) {
      const strides = knownStride(kernel.shape, window);
      if (strides === undefined) return plain.depthwiseConv2dInputGradient(dy, kernel, inputShape, window);
      const [batch = 0, height = 0, width = 0, channels = 0] = inputShape;
      const [padTop, padLeft] = [window.padding[0][0], window.padding[1][0]];
      if (strides === 1) {
        return convolve(dy, kernel, [batch, height, width, channels], 1, [2 - padTop, 2 - padLeft], true);
      }
      const [, outHeight = 0, outWidth = 0] = dy.shape;
      const { lane, lanes } = lanesOf(channels);
      const dx = commands.make(inputShape);
      const sizes = { lanes, height, width, outHeight, outWidth, padTop, padLeft };
      const groups = tiles(lanes, Math.ceil((width + padLeft) / 4), Math.ceil((height + padTop) / 2), batch);
      commands.run(depthwiseInputGradient2(lane), { dy, kernel }, { dx }, sizes, groups);
      return dx;
    },

    depthwiseConv2dKernelGradient(x, dy, kernelShape, window) {
      const strides = knownStride(kernelShape, window);
      if (strides === undefined) return plain.depthwiseConv2dKernelGradient(x, dy, kernelShape, window);
      const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
      const [, outHeight = 0, outWidth = 0] = dy.shape;
      const { lane, lanes } = lanesOf(channels);
      const strips = batch * Math.ceil(outHeight / GRADIENT_ROWS[strides]);
      const part = Math.ceil(strips / MOST_PARTS);
      const count = Math.ceil(strips / part);
      const parts = commands.make(count === 1 ? kernelShape : [count, 9, channels]);
      const [padTop, padLeft] = [window.padding[0][0], window.padding[1][0]];
      const sizes = { lanes, height, width, outHeight, outWidth, padTop, padLeft, strips, part };
      const groups = [Math.ceil((count * lanes) / DEPTHWISE_THREADS)] as const;
      commands.run(depthwiseKernelGradient(lane, strides), { x, dy }, { parts }, sizes, groups);
      return addUp(commands, team, parts, count, kernelShape);
    },
  };
}

import type { Tensor } from "@tensorflow/tfjs-core";
import { sizeOf } from "@thaw/core";
import type { Commands } from "./commands.ts";
import { matrixProduct, outerProducts, TILE_COLUMNS, TILE_ROWS, TILE_THREADS } from "./matrix-product.ts";
import { addUp } from "./row-sums.ts";
import type { Team } from "./teams.ts";

/** Threads that keep a device busy, by who sums over rows. */
const ENOUGH_THREADS = { workgroup: 4096, thread: 64 } as const;
/** Rows that a part of a kernel gradient should have at least, so that adding the parts up is little beside. */
const LEAST_ROWS = 64;
/** Rows of a part at most: a longer chain of additions rounds too much, see `blocksWgsl`. */
const MOST_ROWS = 1024;

/** Convolutions with a 1×1 kernel and stride 1: matrix products over pixels. Channels are multiples of four. */
export interface PointwiseConvolution {
  forward(x: Tensor, kernel: Tensor): Tensor;
  inputGradient(dy: Tensor, kernel: Tensor, inputShape: readonly number[]): Tensor;
  kernelGradient(x: Tensor, dy: Tensor, kernelShape: readonly number[]): Tensor;
}

/** See {@link PointwiseConvolution}. */
export function pointwiseConvolution(commands: Commands, team: Team): PointwiseConvolution {
  function multiply(a: Tensor, b: Tensor, shape: readonly number[], transposed: boolean): Tensor {
    const [depth, columns] = [a.shape.at(-1) ?? 1, shape.at(-1) ?? 1];
    const rows = a.size / depth;
    const product = commands.make(shape);
    const tiles = Math.ceil(rows / TILE_ROWS) * Math.ceil(columns / TILE_COLUMNS);
    const sizes = { rows, depth: depth / 4, columns: columns / 4 };
    commands.run(matrixProduct(transposed), { a, b }, { product }, sizes, [Math.ceil(tiles / TILE_THREADS)]);
    return product;
  }

  return {
    forward: (x, kernel) => multiply(x, kernel, [...x.shape.slice(0, -1), kernel.shape.at(-1) ?? 1], false),
    inputGradient: (dy, kernel, inputShape) => multiply(dy, kernel, inputShape, true),

    kernelGradient(x, dy, kernelShape) {
      const [inChannels, outChannels] = [x.shape.at(-1) ?? 1, dy.shape.at(-1) ?? 1];
      const depth = x.size / inChannels;
      const tiles = Math.ceil(inChannels / 8) * Math.ceil(outChannels / 8);
      const wanted = Math.min(Math.ceil(ENOUGH_THREADS[team] / tiles), Math.ceil(depth / LEAST_ROWS));
      const part = Math.min(MOST_ROWS, Math.ceil(depth / wanted));
      const parts = Math.ceil(depth / part);
      const products = commands.make(parts === 1 ? kernelShape : [parts, sizeOf(kernelShape)]);
      const sizes = { rows: inChannels / 4, columns: outChannels / 4, depth, part };
      commands.run(outerProducts, { a: x, b: dy }, { products }, sizes, [Math.ceil(tiles / TILE_THREADS), parts]);
      return addUp(commands, team, products, parts, kernelShape);
    },
  };
}

import type { Model, Padding } from "./layer.ts";
import { tableBuilder } from "./table-builder.ts";

/** Width multipliers of MobileNet for which Keras publishes ImageNet weights. */
export const MOBILENET_ALPHAS = [0.25, 0.5, 0.75, 1] as const;

const EPSILON = 1e-3;
const MOMENTUM = 0.99;

/** Zeros behind each axis. */
const BEHIND: Padding = [
  [0, 1],
  [0, 1],
];

/** Output channels (before alpha) and stride of the depthwise-separable blocks, as in the paper's table 1. */
const BLOCKS: readonly (readonly [filters: number, strides: 1 | 2])[] = [
  [64, 1],
  [128, 2],
  [128, 1],
  [256, 2],
  [256, 1],
  [512, 2],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [1024, 2],
  [1024, 1],
];

/**
 * Builds Keras's layer table of MobileNet (version 1) without top: 86 layers and the pooling.
 * `alpha` is the width multiplier, `imageSize` the side of the square input in pixels, at least 32.
 * @see keras.applications.MobileNet (Keras 3)
 */
export function mobileNet({ alpha, imageSize }: { readonly alpha: number; readonly imageSize: number }): Model {
  const inputShape = [imageSize, imageSize, 3] as const;
  const table = tableBuilder();
  const normalised = (name: string, input: string): string =>
    table.relu(`${name}_relu`, table.batchNorm(`${name}_bn`, input, EPSILON, MOMENTUM), 6);

  let x = table.input("input_layer", inputShape);
  x = table.conv2d("conv1", x, Math.trunc(32 * alpha), { kernelSize: 3, strides: 2, padding: "same" });
  x = normalised("conv1", x);
  for (const [index, [filters, strides]] of BLOCKS.entries()) {
    const block = index + 1;
    if (strides === 2) x = table.zeroPad(`conv_pad_${block}`, x, BEHIND);
    const padding = strides === 1 ? "same" : "valid";
    x = table.depthwiseConv2d(`conv_dw_${block}`, x, { kernelSize: 3, strides, padding });
    x = normalised(`conv_dw_${block}`, x);
    x = table.conv2d(`conv_pw_${block}`, x, Math.trunc(filters * alpha), {
      kernelSize: 1,
      strides: 1,
      padding: "same",
    });
    x = normalised(`conv_pw_${block}`, x);
  }
  table.globalAveragePool("global_average_pooling2d", x);
  const name = `mobilenet_${alpha.toFixed(2)}_${imageSize}`;
  return { name, preprocessing: "tf", inputShape, layers: table.layers };
}

import type { Model } from "./layer.ts";
import { correctPad, tableBuilder } from "./table-builder.ts";

/** Width multipliers for which Keras publishes ImageNet weights. */
export const MOBILENET_V2_ALPHAS = [0.35, 0.5, 0.75, 1, 1.3, 1.4] as const;

const EPSILON = 1e-3;
const MOMENTUM = 0.999;

/** Output channels (before alpha), stride and expansion of the blocks, as in the paper's table 2. */
const BLOCKS: readonly { filters: number; strides: 1 | 2; expansion: number }[] = [
  { filters: 16, strides: 1, expansion: 1 },
  { filters: 24, strides: 2, expansion: 6 },
  { filters: 24, strides: 1, expansion: 6 },
  { filters: 32, strides: 2, expansion: 6 },
  { filters: 32, strides: 1, expansion: 6 },
  { filters: 32, strides: 1, expansion: 6 },
  { filters: 64, strides: 2, expansion: 6 },
  { filters: 64, strides: 1, expansion: 6 },
  { filters: 64, strides: 1, expansion: 6 },
  { filters: 64, strides: 1, expansion: 6 },
  { filters: 96, strides: 1, expansion: 6 },
  { filters: 96, strides: 1, expansion: 6 },
  { filters: 96, strides: 1, expansion: 6 },
  { filters: 160, strides: 2, expansion: 6 },
  { filters: 160, strides: 1, expansion: 6 },
  { filters: 160, strides: 1, expansion: 6 },
  { filters: 320, strides: 1, expansion: 6 },
];

/** Rounds a channel count to a multiple of 8, never losing more than a tenth of it. */
export function makeDivisible(channels: number, divisor = 8): number {
  const rounded = Math.max(divisor, Math.floor((channels + divisor / 2) / divisor) * divisor);
  return rounded < 0.9 * channels ? rounded + divisor : rounded;
}

/** What selects one MobileNetV2. */
export interface MobileNetV2Options {
  /** Width multiplier. */
  readonly alpha: number;
  /** Side of the square input, pixels, at least 32. */
  readonly imageSize: number;
}

/**
 * Builds Keras's layer table of MobileNetV2 without top: 154 layers and the pooling.
 * @see keras.applications.MobileNetV2 (Keras 3)
 */
export function mobileNetV2(options: MobileNetV2Options): Model {
  const { alpha, imageSize } = options;
  const inputShape = [imageSize, imageSize, 3] as const;
  const table = tableBuilder();
  const norm = (name: string, input: string): string => table.batchNorm(name, input, EPSILON, MOMENTUM);

  let x = table.input("input_layer", inputShape);
  x = table.conv2d("Conv1", x, makeDivisible(32 * alpha), { kernelSize: 3, strides: 2, padding: "same" });
  x = table.relu("Conv1_relu", norm("bn_Conv1", x), 6);

  for (const [index, block] of BLOCKS.entries()) {
    const prefix = index === 0 ? "expanded_conv_" : `block_${index}_`;
    const shortcut = x;
    const [height = 0, width = 0, inChannels = 0] = table.shapeOf(x);
    if (index > 0) {
      const expanded = block.expansion * inChannels;
      x = table.conv2d(`${prefix}expand`, x, expanded, { kernelSize: 1, strides: 1, padding: "same" });
      x = table.relu(`${prefix}expand_relu`, norm(`${prefix}expand_BN`, x), 6);
    }
    if (block.strides === 2) x = table.zeroPad(`${prefix}pad`, x, correctPad(height, width, 3));
    const padding = block.strides === 1 ? "same" : "valid";
    x = table.depthwiseConv2d(`${prefix}depthwise`, x, { kernelSize: 3, strides: block.strides, padding });
    x = table.relu(`${prefix}depthwise_relu`, norm(`${prefix}depthwise_BN`, x), 6);
    const outChannels = makeDivisible(Math.trunc(block.filters * alpha));
    x = table.conv2d(`${prefix}project`, x, outChannels, { kernelSize: 1, strides: 1, padding: "same" });
    x = norm(`${prefix}project_BN`, x);
    if (block.strides === 1 && inChannels === outChannels) x = table.add(`${prefix}add`, shortcut, x);
  }

  const lastChannels = alpha > 1 ? makeDivisible(1280 * alpha) : 1280;
  x = table.conv2d("Conv_1", x, lastChannels, { kernelSize: 1, strides: 1, padding: "valid" });
  x = table.relu("out_relu", norm("Conv_1_bn", x), 6);
  table.globalAveragePool("global_average_pooling2d", x);
  const name = `mobilenet_v2_${alpha.toFixed(2)}_${imageSize}`;
  return { name, preprocessing: "tf", inputShape, layers: table.layers };
}

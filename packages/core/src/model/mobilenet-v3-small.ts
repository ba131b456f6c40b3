import type { Activation, Model } from "./layer.ts";
import { makeDivisible } from "./mobilenet-v2.ts";
import { correctPad, type TableBuilder, tableBuilder } from "./table-builder.ts";

/** Width multipliers of MobileNetV3Small for which Keras publishes ImageNet weights. */
export const MOBILENET_V3_ALPHAS = [0.75, 1] as const;

const EPSILON = 1e-3;
const MOMENTUM = 0.999;
/** Part of a block's inner channels that squeeze-and-excitation has in the middle. */
const SQUEEZE = 0.25;

interface Block {
  /** Inner channels as a multiple of the input's. */
  readonly expansion: number;
  /** Output channels before alpha. */
  readonly filters: number;
  readonly kernelSize: 3 | 5;
  readonly strides: 1 | 2;
  readonly squeezes: boolean;
  readonly activation: "relu" | "hard_silu";
}

/** As in the paper's table 2. */
const BLOCKS: readonly Block[] = [
  { expansion: 1, filters: 16, kernelSize: 3, strides: 2, squeezes: true, activation: "relu" },
  { expansion: 72 / 16, filters: 24, kernelSize: 3, strides: 2, squeezes: false, activation: "relu" },
  { expansion: 88 / 24, filters: 24, kernelSize: 3, strides: 1, squeezes: false, activation: "relu" },
  { expansion: 4, filters: 40, kernelSize: 5, strides: 2, squeezes: true, activation: "hard_silu" },
  { expansion: 6, filters: 40, kernelSize: 5, strides: 1, squeezes: true, activation: "hard_silu" },
  { expansion: 6, filters: 40, kernelSize: 5, strides: 1, squeezes: true, activation: "hard_silu" },
  { expansion: 3, filters: 48, kernelSize: 5, strides: 1, squeezes: true, activation: "hard_silu" },
  { expansion: 3, filters: 48, kernelSize: 5, strides: 1, squeezes: true, activation: "hard_silu" },
  { expansion: 6, filters: 96, kernelSize: 5, strides: 2, squeezes: true, activation: "hard_silu" },
  { expansion: 6, filters: 96, kernelSize: 5, strides: 1, squeezes: true, activation: "hard_silu" },
  { expansion: 6, filters: 96, kernelSize: 5, strides: 1, squeezes: true, activation: "hard_silu" },
];

/** Names as Keras gives them to what has none: `re_lu`, `re_lu_1`, … */
function autoNames(): (base: string) => string {
  const counts = new Map<string, number>();
  return (base) => {
    const count = counts.get(base) ?? 0;
    counts.set(base, count + 1);
    return count === 0 ? base : `${base}_${count}`;
  };
}

/** Squeeze-and-excitation with a hard sigmoid, which Keras writes as `ReLU(6)(x + 3) * (1 / 6)`. */
function squeezeAndExcite(
  table: TableBuilder,
  prefix: string,
  input: string,
  nameOf: ReturnType<typeof autoNames>,
): string {
  const channels = table.shapeOf(input)[2] ?? 0;
  const pointwise = { kernelSize: 1, strides: 1, padding: "same", useBias: true } as const;
  const [squeezed, middle] = [`${prefix}squeeze_excite_`, makeDivisible(channels * SQUEEZE)];
  let x = table.globalAveragePool(`${squeezed}avg_pool`, input, { keepDims: true });
  x = table.relu(`${squeezed}relu`, table.conv2d(`${squeezed}conv`, x, middle, pointwise), null);
  x = table.conv2d(`${squeezed}conv_1`, x, channels, pointwise);
  x = table.rescaling(nameOf("add"), x, 1, 3);
  table.markOperation();
  x = table.relu(nameOf("re_lu"), x, 6);
  x = table.rescaling(nameOf("multiply"), x, 1 / 6, 0);
  table.markOperation();
  return table.multiply(`${squeezed}mul`, input, x);
}

/**
 * Builds Keras's layer table of MobileNetV3Small without top: 157 layers and the pooling, and two operations in each
 * of nine blocks.
 * `alpha` is the width multiplier, `imageSize` the side of the square input in pixels, at least 32.
 * @see keras.applications.MobileNetV3Small (Keras 3)
 */
export function mobileNetV3Small({ alpha, imageSize }: { readonly alpha: number; readonly imageSize: number }): Model {
  const inputShape = [imageSize, imageSize, 3] as const;
  const table = tableBuilder();
  const nameOf = autoNames();
  const norm = (name: string, x: string): string => table.batchNorm(`${name}_bn`, x, EPSILON, MOMENTUM);
  const pointwise = { kernelSize: 1, strides: 1, padding: "same" } as const;
  const activate = (x: string, activation: Activation): string =>
    table.activation(nameOf(activation === "relu" ? "re_lu" : "activation"), x, activation);

  let x = table.rescaling("rescaling", table.input("input_layer", inputShape), 1 / 127.5, -1);
  x = table.conv2d("conv", x, 16, { kernelSize: 3, strides: 2, padding: "same" });
  x = activate(norm("conv", x), "hard_silu");
  for (const [index, { expansion, filters, kernelSize, strides, squeezes, activation }] of BLOCKS.entries()) {
    const prefix = index === 0 ? "expanded_conv_" : `expanded_conv_${index}_`;
    const [shortcut, inChannels] = [x, table.shapeOf(x)[2] ?? 0];
    if (index > 0) {
      const expanded = makeDivisible(inChannels * expansion);
      x = norm(`${prefix}expand`, table.conv2d(`${prefix}expand`, x, expanded, pointwise));
      x = activate(x, activation);
    }
    const [height = 0, width = 0] = table.shapeOf(x);
    if (strides === 2) x = table.zeroPad(`${prefix}depthwise_pad`, x, correctPad(height, width, kernelSize));
    const padding = strides === 1 ? "same" : "valid";
    x = table.depthwiseConv2d(`${prefix}depthwise`, x, { kernelSize, strides, padding });
    x = activate(norm(`${prefix}depthwise`, x), activation);
    if (squeezes) x = squeezeAndExcite(table, prefix, x, nameOf);
    const outChannels = makeDivisible(filters * alpha);
    x = norm(`${prefix}project`, table.conv2d(`${prefix}project`, x, outChannels, pointwise));
    if (strides === 1 && inChannels === outChannels) x = table.add(`${prefix}add`, shortcut, x);
  }
  const lastChannels = makeDivisible((table.shapeOf(x)[2] ?? 0) * 6);
  x = activate(norm("conv_1", table.conv2d("conv_1", x, lastChannels, pointwise)), "hard_silu");
  table.globalAveragePool("avg_pool", x);
  const name = `mobilenet_v3_small_${alpha.toFixed(2)}_${imageSize}`;
  return { name, preprocessing: "none", inputShape, layers: table.layers };
}

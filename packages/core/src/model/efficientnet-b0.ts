import type { Model } from "./layer.ts";
import { correctPad, type TableBuilder, tableBuilder } from "./table-builder.ts";

const EPSILON = 1e-3;
const MOMENTUM = 0.99;
/** Part of a block's input channels that squeeze-and-excitation has in the middle. */
const SQUEEZE = 0.25;
/** Rate of dropping a block's branch, in the last block; it grows from 0 in even steps. */
const DROP_RATE = 0.2;
/** Of ImageNet's red, green and blue values of 0…1. */
const STANDARD_DEVIATIONS = [0.229, 0.224, 0.225];

/** Kernel size, number of blocks, output channels, expansion and first stride of each stage, as in the paper's table 1. */
const STAGES: readonly { kernelSize: 3 | 5; blocks: number; filters: number; expansion: 1 | 6; strides: 1 | 2 }[] = [
  { kernelSize: 3, blocks: 1, filters: 16, expansion: 1, strides: 1 },
  { kernelSize: 3, blocks: 2, filters: 24, expansion: 6, strides: 2 },
  { kernelSize: 5, blocks: 2, filters: 40, expansion: 6, strides: 2 },
  { kernelSize: 3, blocks: 3, filters: 80, expansion: 6, strides: 2 },
  { kernelSize: 5, blocks: 3, filters: 112, expansion: 6, strides: 1 },
  { kernelSize: 5, blocks: 4, filters: 192, expansion: 6, strides: 2 },
  { kernelSize: 3, blocks: 1, filters: 320, expansion: 6, strides: 1 },
];

interface Block {
  readonly prefix: string;
  readonly kernelSize: 3 | 5;
  readonly filters: number;
  readonly expansion: number;
  readonly strides: 1 | 2;
  readonly dropRate: number;
}

function squeezeAndExcite(table: TableBuilder, prefix: string, input: string, middle: number): string {
  const channels = table.shapeOf(input)[2] ?? 0;
  let x = table.globalAveragePool(`${prefix}se_squeeze`, input);
  x = table.reshape(`${prefix}se_reshape`, x, [1, 1, channels]);
  const pointwise = { kernelSize: 1, strides: 1, padding: "same", useBias: true } as const;
  x = table.conv2d(`${prefix}se_reduce`, x, middle, { ...pointwise, activation: "silu" });
  x = table.conv2d(`${prefix}se_expand`, x, channels, { ...pointwise, activation: "sigmoid" });
  return table.multiply(`${prefix}se_excite`, input, x);
}

function addBlock(table: TableBuilder, input: string, block: Block): string {
  const { prefix, kernelSize, filters, expansion, strides, dropRate } = block;
  const norm = (name: string, x: string): string => table.batchNorm(`${prefix}${name}`, x, EPSILON, MOMENTUM);
  const pointwise = { kernelSize: 1, strides: 1, padding: "same" } as const;
  const [height = 0, width = 0, inChannels = 0] = table.shapeOf(input);
  let x = input;
  if (expansion !== 1) {
    x = norm("expand_bn", table.conv2d(`${prefix}expand_conv`, x, expansion * inChannels, pointwise));
    x = table.activation(`${prefix}expand_activation`, x, "silu");
  }
  if (strides === 2) x = table.zeroPad(`${prefix}dwconv_pad`, x, correctPad(height, width, kernelSize));
  const padding = strides === 2 ? "valid" : "same";
  x = norm("bn", table.depthwiseConv2d(`${prefix}dwconv`, x, { kernelSize, strides, padding }));
  x = table.activation(`${prefix}activation`, x, "silu");
  x = squeezeAndExcite(table, prefix, x, Math.max(1, Math.trunc(inChannels * SQUEEZE)));
  x = norm("project_bn", table.conv2d(`${prefix}project_conv`, x, filters, pointwise));
  if (strides !== 1 || inChannels !== filters) return x;
  if (dropRate > 0) x = table.dropout(`${prefix}drop`, x, dropRate, { perImage: true });
  return table.add(`${prefix}add`, x, input);
}

/**
 * Builds Keras's layer table of EfficientNetB0 without top: 238 layers and the pooling, as Keras has it with ImageNet
 * weights. With `weights=None` Keras leaves out `rescaling_1`, and counts one layer less from there on.
 * `imageSize` is the side of the square input in pixels, at least 32.
 * @see keras.applications.EfficientNetB0 (Keras 3)
 */
export function efficientNetB0({ imageSize }: { readonly imageSize: number }): Model {
  const inputShape = [imageSize, imageSize, 3] as const;
  const table = tableBuilder();
  let x = table.rescaling("rescaling", table.input("input_layer", inputShape), 1 / 255, 0);
  x = table.normalization("normalization", x);
  x = table.rescaling(
    "rescaling_1",
    x,
    STANDARD_DEVIATIONS.map((deviation) => 1 / Math.sqrt(deviation)),
    0,
  );
  x = table.zeroPad("stem_conv_pad", x, correctPad(imageSize, imageSize, 3));
  x = table.conv2d("stem_conv", x, 32, { kernelSize: 3, strides: 2, padding: "valid" });
  x = table.activation("stem_activation", table.batchNorm("stem_bn", x, EPSILON, MOMENTUM), "silu");

  const count = STAGES.reduce((sum, { blocks }) => sum + blocks, 0);
  let index = 0;
  for (const [stage, { blocks, strides, ...options }] of STAGES.entries()) {
    for (let block = 0; block < blocks; block += 1) {
      const prefix = `block${stage + 1}${String.fromCharCode(97 + block)}_`;
      const dropRate = (DROP_RATE * index) / count;
      x = addBlock(table, x, { prefix, dropRate, strides: block === 0 ? strides : 1, ...options });
      index += 1;
    }
  }
  x = table.conv2d("top_conv", x, 1280, { kernelSize: 1, strides: 1, padding: "same" });
  x = table.activation("top_activation", table.batchNorm("top_bn", x, EPSILON, MOMENTUM), "silu");
  table.globalAveragePool("avg_pool", x);
  return { name: `efficientnetb0_${imageSize}`, preprocessing: "none", inputShape, layers: table.layers };
}

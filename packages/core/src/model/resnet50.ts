import type { Model, Padding } from "./layer.ts";
import { type TableBuilder, tableBuilder } from "./table-builder.ts";

const EPSILON = 1.001e-5;
const MOMENTUM = 0.99;

/** Inner channels, number of blocks and stride of the first block of each stage, as in the paper's table 1. */
const STAGES: readonly { filters: number; blocks: number; strides: 1 | 2 }[] = [
  { filters: 64, blocks: 3, strides: 1 },
  { filters: 128, blocks: 4, strides: 2 },
  { filters: 256, blocks: 6, strides: 2 },
  { filters: 512, blocks: 3, strides: 2 },
];

function around(zeros: number): Padding {
  return [
    [zeros, zeros],
    [zeros, zeros],
  ];
}

/** A bottleneck block; its rows stand in the order in which Keras sorts them, by distance from the output. */
function bottleneck(
  table: TableBuilder,
  prefix: string,
  input: string,
  filters: number,
  strides: number,
  projects: boolean,
): string {
  const norm = (name: string, x: string): string => table.batchNorm(`${prefix}_${name}_bn`, x, EPSILON, MOMENTUM);
  const pointwise = (name: string, x: string, channels: number, step: number): string =>
    table.conv2d(`${prefix}_${name}_conv`, x, channels, {
      kernelSize: 1,
      strides: step,
      padding: "valid",
      useBias: true,
    });

  let x = table.relu(`${prefix}_1_relu`, norm("1", pointwise("1", input, filters, strides)), null);
  const inner = { kernelSize: 3, strides: 1, padding: "same", useBias: true } as const;
  x = table.relu(`${prefix}_2_relu`, norm("2", table.conv2d(`${prefix}_2_conv`, x, filters, inner)), null);
  const projected = projects ? pointwise("0", input, 4 * filters, strides) : undefined;
  x = pointwise("3", x, 4 * filters, 1);
  const shortcut = projected === undefined ? input : norm("0", projected);
  return table.relu(`${prefix}_out`, table.add(`${prefix}_add`, shortcut, norm("3", x)), null);
}

/**
 * Builds Keras's layer table of ResNet50 (version 1) without top: 175 layers and the pooling. Its convolutions have a
 * bias, and a block's stride is in its first convolution.
 * `imageSize` is the side of the square input in pixels, at least 32.
 * @see keras.applications.ResNet50 (Keras 3)
 */
export function resNet50({ imageSize }: { readonly imageSize: number }): Model {
  const inputShape = [imageSize, imageSize, 3] as const;
  const table = tableBuilder();
  let x = table.zeroPad("conv1_pad", table.input("input_layer", inputShape), around(3));
  x = table.conv2d("conv1_conv", x, 64, { kernelSize: 7, strides: 2, padding: "valid", useBias: true });
  x = table.relu("conv1_relu", table.batchNorm("conv1_bn", x, EPSILON, MOMENTUM), null);
  x = table.maxPool("pool1_pool", table.zeroPad("pool1_pad", x, around(1)), {
    kernelSize: 3,
    strides: 2,
    padding: "valid",
  });
  for (const [stage, { filters, blocks, strides }] of STAGES.entries()) {
    for (let block = 1; block <= blocks; block += 1) {
      x = bottleneck(table, `conv${stage + 2}_block${block}`, x, filters, block === 1 ? strides : 1, block === 1);
    }
  }
  table.globalAveragePool("avg_pool", x);
  return { name: `resnet50_${imageSize}`, preprocessing: "caffe", inputShape, layers: table.layers };
}

import { type LayerOp, nativeWindow } from "@thaw/core";
import type { ExportedLayer } from "../exported-network.ts";
import { unsupported } from "../unsupported.ts";

/** A layer in Keras's words, as Keras 3 and tfjs-layers both read them. */
export interface KerasLayer {
  readonly className: string;
  /** Name of its group in a `.weights.h5`: the class in snake case. */
  readonly group: string;
  /** Beside `name`, `trainable` and `dtype`; what is left out has Keras's default. */
  readonly config: Readonly<Record<string, unknown>>;
}

type Writer<Type> = (layer: ExportedLayer, op: Extract<LayerOp, { readonly type: Type }>) => KerasLayer;

const CHANNELS_LAST = { data_format: "channels_last" } as const;

function kernelShape({ weights }: ExportedLayer): readonly number[] {
  return weights.find(({ name }) => name === "kernel")?.shape ?? [];
}

/** How a window moves. */
function windowConfig(
  layer: ExportedLayer,
  size: readonly [height: number, width: number],
  op: Extract<LayerOp, { readonly strides: number }>,
): Readonly<Record<string, unknown>> {
  const { pad, explicit } = nativeWindow([0, ...(layer.inputShapes[0] ?? [])], size, op);
  if (explicit !== undefined) {
    const what = op.type === "MaxPooling2D" ? "a pooling" : "a convolution";
    throw unsupported("Keras", layer.name, `${what} with padding ${JSON.stringify(explicit)}`);
  }
  return { strides: [op.strides, op.strides], padding: pad, ...CHANNELS_LAST };
}

/** What both kinds of convolution say beside their number of channels. */
function convolutionConfig(
  layer: ExportedLayer,
  op: Extract<LayerOp, { readonly type: "Conv2D" | "DepthwiseConv2D" }>,
): Readonly<Record<string, unknown>> {
  const [height = 1, width = 1] = kernelShape(layer);
  return {
    kernel_size: [height, width],
    ...windowConfig(layer, [height, width], op),
    dilation_rate: [1, 1],
    activation: op.activation ?? "linear",
    use_bias: op.useBias,
  };
}

/** One number where all channels have the same. */
function oneOf(values: readonly number[]): number | readonly number[] {
  return values.every((value) => value === values[0]) ? (values[0] ?? 0) : values;
}

/** A line for each operation; a new one goes here. */
const WRITERS: { readonly [Type in LayerOp["type"]]?: Writer<Type> } = {
  Rescaling: (_, { scale, offset }) => ({
    className: "Rescaling",
    group: "rescaling",
    config: { scale: oneOf(scale), offset: oneOf(offset) },
  }),
  // Keras writes absent statistics as `null`, and its axis as a list.
  Normalization: (_, { given }) => ({
    className: "Normalization",
    group: "normalization",
    config: { axis: [-1], invert: false, mean: given?.mean ?? null, variance: given?.variance ?? null },
  }),
  Conv2D: (layer, op) => ({
    className: "Conv2D",
    group: "conv2d",
    config: { filters: kernelShape(layer)[3], ...convolutionConfig(layer, op) },
  }),
  DepthwiseConv2D: (layer, op) => ({
    className: "DepthwiseConv2D",
    group: "depthwise_conv2d",
    config: { depth_multiplier: 1, ...convolutionConfig(layer, op) },
  }),
  BatchNormalization: (_, { epsilon, momentum }) => ({
    className: "BatchNormalization",
    group: "batch_normalization",
    config: { axis: -1, momentum, epsilon, center: true, scale: true },
  }),
  ReLU: (_, { maxValue }) => ({ className: "ReLU", group: "re_lu", config: { max_value: maxValue } }),
  ZeroPadding2D: (_, { padding }) => ({
    className: "ZeroPadding2D",
    group: "zero_padding2d",
    config: { padding, ...CHANNELS_LAST },
  }),
  Activation: (_, { activation }) => ({ className: "Activation", group: "activation", config: { activation } }),
  Add: () => ({ className: "Add", group: "add", config: {} }),
  Multiply: () => ({ className: "Multiply", group: "multiply", config: {} }),
  MaxPooling2D: (layer, op) => ({
    className: "MaxPooling2D",
    group: "max_pooling2d",
    config: { pool_size: op.poolSize, ...windowConfig(layer, op.poolSize, op) },
  }),
  GlobalAveragePooling2D: (_, { keepDims }) => ({
    className: "GlobalAveragePooling2D",
    group: "global_average_pooling2d",
    config: { ...CHANNELS_LAST, ...(keepDims === true ? { keepdims: true } : {}) },
  }),
  Reshape: ({ outputShape }) => ({ className: "Reshape", group: "reshape", config: { target_shape: outputShape } }),
  Dropout: (_, { rate, perImage }) => ({
    className: "Dropout",
    group: "dropout",
    config: { rate, ...(perImage === true ? { noise_shape: [null, 1, 1, 1] } : {}) },
  }),
  Dense: (layer) => ({
    className: "Dense",
    group: "dense",
    config: {
      units: kernelShape(layer)[1],
      activation: layer.activation,
      use_bias: layer.weights.some(({ name }) => name === "bias"),
    },
  }),
};

/**
 * A layer in Keras's words; the input is each format's own.
 * @throws ThawError `export-unsupported`
 */
export function kerasLayer(layer: ExportedLayer): KerasLayer {
  const write = WRITERS[layer.op.type] as Writer<LayerOp["type"]> | undefined;
  if (write === undefined) throw unsupported("Keras", layer.name, layer.op.type);
  const { className, group, config } = write(layer, layer.op);
  return { className, group, config: { name: layer.name, trainable: layer.trainable, dtype: "float32", ...config } };
}

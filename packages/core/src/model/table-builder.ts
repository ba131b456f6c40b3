import type { Layer, LayerOp, Padding, WeightSpec } from "./layer.ts";

const NO_PADDING: Padding = [
  [0, 0],
  [0, 0],
];

/** Options of a convolution row. */
export interface ConvolutionOptions {
  readonly kernelSize: number;
  readonly strides: number;
  readonly padding: "same" | "valid";
  readonly useBias?: boolean;
}

/** Collects the rows of a layer table, deriving shapes, weights and costs as it goes. */
export interface TableBuilder {
  readonly layers: readonly Layer[];
  input(name: string, shape: readonly [number, number, number]): string;
  zeroPad(name: string, input: string, padding: Padding): string;
  conv2d(name: string, input: string, filters: number, options: ConvolutionOptions): string;
  depthwiseConv2d(name: string, input: string, options: ConvolutionOptions): string;
  batchNorm(name: string, input: string, epsilon: number, momentum: number): string;
  relu(name: string, input: string, maxValue: number | null): string;
  add(name: string, first: string, second: string): string;
  globalAveragePool(name: string, input: string): string;
  /** `[height, width, channels]` of a layer that was added before. */
  shapeOf(name: string): readonly number[];
}

/** Zeros that TensorFlow's `same` puts before and after an axis of `size` elements. */
export function samePadding(size: number, kernelSize: number, strides: number): readonly [number, number] {
  const total = Math.max((Math.ceil(size / strides) - 1) * strides + kernelSize - size, 0);
  const before = Math.floor(total / 2);
  return [before, total - before];
}

/** Keras's `imagenet_utils.correct_pad`: explicit zeros for a stride-2 `valid` convolution. */
export function correctPad(height: number, width: number, kernelSize: number): Padding {
  const half = Math.floor(kernelSize / 2);
  return [
    [half - (1 - (height % 2)), half],
    [half - (1 - (width % 2)), half],
  ];
}

/** Starts an empty layer table. */
export function tableBuilder(): TableBuilder {
  const layers: Layer[] = [];
  const shapes = new Map<string, readonly number[]>();

  function push(
    name: string,
    op: LayerOp,
    inputs: readonly string[],
    shape: readonly number[],
    weights: readonly WeightSpec[],
    macs: number,
  ): string {
    layers.push({ name, op, inputs, outputShape: shape, weights, macs });
    shapes.set(name, shape);
    return name;
  }

  function imageShape(name: string): readonly [number, number, number] {
    const [height = 0, width = 0, channels = 0] = shapes.get(name) ?? [];
    return [height, width, channels];
  }

  function window(input: string, options: ConvolutionOptions): { padding: Padding; height: number; width: number } {
    const [height, width] = imageShape(input);
    const { kernelSize, strides } = options;
    const padding: Padding =
      options.padding === "same"
        ? [samePadding(height, kernelSize, strides), samePadding(width, kernelSize, strides)]
        : NO_PADDING;
    const outSize = (size: number, [before, after]: readonly [number, number]): number =>
      Math.floor((size + before + after - kernelSize) / strides) + 1;
    return { padding, height: outSize(height, padding[0]), width: outSize(width, padding[1]) };
  }

  function kernelWeights(shape: readonly number[], biasSize: number, useBias: boolean): WeightSpec[] {
    const kernel: WeightSpec = { name: "kernel", shape, trainable: true };
    return useBias ? [kernel, { name: "bias", shape: [biasSize], trainable: true }] : [kernel];
  }

  return {
    layers,
    input: (name, shape) => push(name, { type: "InputLayer" }, [], shape, [], 0),
    zeroPad(name, input, padding) {
      const [height, width, channels] = imageShape(input);
      const shape = [height + padding[0][0] + padding[0][1], width + padding[1][0] + padding[1][1], channels];
      return push(name, { type: "ZeroPadding2D", padding }, [input], shape, [], 0);
    },
    conv2d(name, input, filters, options) {
      const channels = imageShape(input)[2];
      const { padding, height, width } = window(input, options);
      const { kernelSize, strides, useBias = false } = options;
      const weights = kernelWeights([kernelSize, kernelSize, channels, filters], filters, useBias);
      const macs = height * width * filters * kernelSize * kernelSize * channels;
      return push(
        name,
        { type: "Conv2D", strides, padding, useBias },
        [input],
        [height, width, filters],
        weights,
        macs,
      );
    },
    depthwiseConv2d(name, input, options) {
      const channels = imageShape(input)[2];
      const { padding, height, width } = window(input, options);
      const { kernelSize, strides, useBias = false } = options;
      const weights = kernelWeights([kernelSize, kernelSize, channels, 1], channels, useBias);
      const macs = height * width * channels * kernelSize * kernelSize;
      const op: LayerOp = { type: "DepthwiseConv2D", strides, padding, useBias };
      return push(name, op, [input], [height, width, channels], weights, macs);
    },
    batchNorm(name, input, epsilon, momentum) {
      const shape = imageShape(input);
      const weights = [
        { name: "gamma", shape: [shape[2]], trainable: true },
        { name: "beta", shape: [shape[2]], trainable: true },
        { name: "moving_mean", shape: [shape[2]], trainable: false },
        { name: "moving_variance", shape: [shape[2]], trainable: false },
      ];
      return push(name, { type: "BatchNormalization", epsilon, momentum }, [input], shape, weights, 0);
    },
    relu: (name, input, maxValue) => push(name, { type: "ReLU", maxValue }, [input], imageShape(input), [], 0),
    add: (name, first, second) => push(name, { type: "Add" }, [first, second], imageShape(first), [], 0),
    globalAveragePool: (name, input) =>
      push(name, { type: "GlobalAveragePooling2D" }, [input], [imageShape(input)[2]], [], 0),
    shapeOf: imageShape,
  };
}

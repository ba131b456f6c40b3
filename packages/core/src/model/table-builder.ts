import type { Activation, Layer, LayerOp, Padding, WeightSpec } from "./layer.ts";

const NO_PADDING: Padding = [
  [0, 0],
  [0, 0],
];

/** Options of a convolution row. */
export interface ConvolutionOptions extends WindowOptions {
  readonly useBias?: boolean;
  readonly activation?: Activation;
}

/** A window that moves over an image. */
export interface WindowOptions {
  /** One number for both axes. */
  readonly kernelSize: number | readonly [height: number, width: number];
  readonly strides: number;
  readonly padding: "same" | "valid";
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
  /** `relu` and `relu6` become a row of type ReLU. */
  activation(name: string, input: string, activation: Activation): string;
  add(name: string, first: string, second: string): string;
  multiply(name: string, first: string, second: string): string;
  maxPool(name: string, input: string, options: WindowOptions): string;
  globalAveragePool(name: string, input: string, options?: { readonly keepDims?: boolean }): string;
  reshape(name: string, input: string, shape: readonly number[]): string;
  dropout(name: string, input: string, rate: number, options?: { readonly perImage?: boolean }): string;
  rescaling(name: string, input: string, scale: number | readonly number[], offset: number | readonly number[]): string;
  /** Says of the last row that Keras has it as an operation between layers. */
  markOperation(): void;
  normalization(name: string, input: string, given?: Extract<LayerOp, { type: "Normalization" }>["given"]): string;
  /** Output shape of a layer that was added before: `[height, width, channels]` or `[units]`. */
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

  const shapeOf = (name: string): readonly number[] => shapes.get(name) ?? [];

  function imageShape(name: string): readonly [number, number, number] {
    const [height = 0, width = 0, channels = 0] = shapeOf(name);
    return [height, width, channels];
  }

  interface PlacedWindow {
    readonly kernel: readonly [height: number, width: number];
    readonly padding: Padding;
    readonly height: number;
    readonly width: number;
  }

  function window(input: string, { kernelSize, strides, padding: kind }: WindowOptions): PlacedWindow {
    const [height, width] = imageShape(input);
    const kernel = typeof kernelSize === "number" ? ([kernelSize, kernelSize] as const) : kernelSize;
    const padding: Padding =
      kind === "same" ? [samePadding(height, kernel[0], strides), samePadding(width, kernel[1], strides)] : NO_PADDING;
    const outSize = (size: number, kernelSide: number, [before, after]: readonly [number, number]): number =>
      Math.floor((size + before + after - kernelSide) / strides) + 1;
    return {
      kernel,
      padding,
      height: outSize(height, kernel[0], padding[0]),
      width: outSize(width, kernel[1], padding[1]),
    };
  }

  function convolution(
    type: "Conv2D" | "DepthwiseConv2D",
    placed: PlacedWindow,
    { strides, useBias = false, activation = "linear" }: ConvolutionOptions,
  ): LayerOp {
    const op = { type, strides, padding: placed.padding, useBias };
    return activation === "linear" ? op : { ...op, activation };
  }

  const perChannel = (value: number | readonly number[], channels: number): readonly number[] =>
    typeof value === "number" ? new Array<number>(channels).fill(value) : value;

  function relu(name: string, input: string, maxValue: number | null): string {
    return push(name, { type: "ReLU", maxValue }, [input], shapeOf(input), [], 0);
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
      const placed = window(input, options);
      const { kernel, height, width } = placed;
      const weights = kernelWeights([...kernel, channels, filters], filters, options.useBias === true);
      const macs = height * width * filters * kernel[0] * kernel[1] * channels;
      return push(name, convolution("Conv2D", placed, options), [input], [height, width, filters], weights, macs);
    },
    depthwiseConv2d(name, input, options) {
      const channels = imageShape(input)[2];
      const placed = window(input, options);
      const { kernel, height, width } = placed;
      const weights = kernelWeights([...kernel, channels, 1], channels, options.useBias === true);
      const macs = height * width * channels * kernel[0] * kernel[1];
      const op = convolution("DepthwiseConv2D", placed, options);
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
    relu,
    activation(name, input, activation) {
      if (activation === "relu" || activation === "relu6") return relu(name, input, activation === "relu" ? null : 6);
      return push(name, { type: "Activation", activation }, [input], shapeOf(input), [], 0);
    },
    add: (name, first, second) => push(name, { type: "Add" }, [first, second], shapeOf(first), [], 0),
    multiply(name, first, second) {
      const [a, b] = [shapeOf(first), shapeOf(second)];
      const shape = a.map((size, axis) => Math.max(size, b[axis] ?? 1));
      return push(name, { type: "Multiply" }, [first, second], shape, [], 0);
    },
    maxPool(name, input, options) {
      const { kernel: poolSize, padding, height, width } = window(input, options);
      const op: LayerOp = { type: "MaxPooling2D", poolSize, strides: options.strides, padding };
      return push(name, op, [input], [height, width, imageShape(input)[2]], [], 0);
    },
    globalAveragePool(name, input, { keepDims = false } = {}) {
      const channels = imageShape(input)[2];
      if (!keepDims) return push(name, { type: "GlobalAveragePooling2D" }, [input], [channels], [], 0);
      return push(name, { type: "GlobalAveragePooling2D", keepDims }, [input], [1, 1, channels], [], 0);
    },
    reshape: (name, input, shape) => push(name, { type: "Reshape" }, [input], shape, [], 0),
    dropout: (name, input, rate, { perImage = false } = {}) =>
      push(name, { type: "Dropout", rate, ...(perImage ? { perImage } : {}) }, [input], shapeOf(input), [], 0),
    rescaling(name, input, scale, offset) {
      const shape = imageShape(input);
      const op: LayerOp = {
        type: "Rescaling",
        scale: perChannel(scale, shape[2]),
        offset: perChannel(offset, shape[2]),
      };
      return push(name, op, [input], shape, [], 0);
    },
    normalization(name, input, given) {
      const shape = imageShape(input);
      if (given !== undefined) return push(name, { type: "Normalization", given }, [input], shape, [], 0);
      const statistics = ["mean", "variance"].map((weight) => ({ name: weight, shape: [shape[2]], trainable: false }));
      return push(name, { type: "Normalization" }, [input], shape, statistics, 0);
    },
    markOperation() {
      const row = layers.pop();
      if (row !== undefined) layers.push({ ...row, operation: true });
    },
    shapeOf,
  };
}

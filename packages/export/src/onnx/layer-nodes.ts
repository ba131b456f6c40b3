import type { Activation, LayerOp, Padding } from "@thaw/core";
import { type ExportedLayer, type ExportedNetwork, weightOf } from "../exported-network.ts";
import { unsupported } from "../unsupported.ts";
import { float, type GraphBuilder, integer, integers } from "./graph-builder.ts";
import type { AttributeProto } from "./messages.ts";

/** Where a layer is written. */
interface Place {
  readonly network: ExportedNetwork;
  readonly graph: GraphBuilder;
  /** Names of what comes in; images are channels-first. */
  readonly inputs: readonly string[];
}

type Writer<Type> = (layer: ExportedLayer, op: Extract<LayerOp, { readonly type: Type }>, place: Place) => string;

/** Adds a weight as it is. @returns its name */
function weight({ network, graph }: Place, layer: ExportedLayer, name: string): string {
  const { shape, data } = weightOf(network, layer, name);
  return graph.floats(`${layer.name}/${name}`, shape, data as Float32Array);
}

/** Adds a kernel with its axes in another order: `axes[i]` of Keras's becomes axis `i`. @returns its name */
function turnedKernel({ network, graph }: Place, layer: ExportedLayer, axes: readonly number[]): string {
  const { shape, data } = weightOf(network, layer, "kernel");
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const turned = axes.map((axis) => ({ size: shape[axis] ?? 1, stride: strides[axis] ?? 1 }));
  const values = new Float32Array(data.length);
  let place = 0;
  const copy = (axis: number, offset: number): void => {
    const { size, stride } = turned[axis] ?? { size: 0, stride: 0 };
    for (let index = 0; index < size; index += 1) {
      const at = offset + index * stride;
      if (axis < turned.length - 1) copy(axis + 1, at);
      else {
        values[place] = data[at] ?? 0;
        place += 1;
      }
    }
  };
  copy(0, 0);
  return graph.floats(
    `${layer.name}/kernel`,
    turned.map(({ size }) => size),
    values,
  );
}

/** Adds an activation behind `x`. @returns the name of its output, which is `name` */
function activate(name: string, activation: Exclude<Activation, "linear">, x: string, graph: GraphBuilder): string {
  switch (activation) {
    case "relu":
      return graph.node(name, "Relu", [x]);
    case "relu6":
      return clip(name, 6, x, graph);
    case "sigmoid":
      return graph.node(name, "Sigmoid", [x]);
    case "silu":
      return graph.node(name, "Mul", [x, graph.node(`${name}/sigmoid`, "Sigmoid", [x])]);
    case "hard_sigmoid":
      return graph.node(name, "HardSigmoid", [x], [float("alpha", 1 / 6), float("beta", 0.5)]);
    case "hard_silu":
      return graph.node(name, "HardSwish", [x]);
  }
}

function clip(name: string, maxValue: number, x: string, graph: GraphBuilder): string {
  const bounds = [
    graph.floats(`${name}/min`, [], Float32Array.of(0)),
    graph.floats(`${name}/max`, [], Float32Array.of(maxValue)),
  ];
  return graph.node(name, "Clip", [x, ...bounds]);
}

/** Zeros in front of rows and columns, then behind them. */
function windowPads([rows, columns]: Padding): AttributeProto {
  return integers("pads", [rows[0], columns[0], rows[1], columns[1]]);
}

/** A constant with a value for each channel of a channels-first image. @returns its name */
function perChannel(name: string, values: ArrayLike<number>, graph: GraphBuilder): string {
  return graph.floats(name, [values.length, 1, 1], Float32Array.from(values));
}

/** Axes in another order, for images alone. */
function transposed(
  name: string,
  perm: readonly number[],
  shape: readonly number[],
  x: string,
  graph: GraphBuilder,
): string {
  return shape.length === 3 ? graph.node(name, "Transpose", [x], [integers("perm", perm)]) : x;
}

function convolution(
  layer: ExportedLayer,
  op: Extract<LayerOp, { readonly type: "Conv2D" | "DepthwiseConv2D" }>,
  place: Place,
  axes: readonly number[],
  groups: number,
): string {
  const { padding, strides, useBias, activation } = op;
  const kernel = turnedKernel(place, layer, axes);
  const bias = useBias ? [weight(place, layer, "bias")] : [];
  const attributes = [windowPads(padding), integers("strides", [strides, strides]), integer("group", groups)];
  const inputs = [...place.inputs, kernel, ...bias];
  if (activation === undefined) return place.graph.node(layer.name, "Conv", inputs, attributes);
  const linear = place.graph.node(`${layer.name}/linear`, "Conv", inputs, attributes);
  return activate(layer.name, activation, linear, place.graph);
}

/** Zeros in front of each axis, then behind each: batch, channels, rows, columns. */
function padsOf([rows, columns]: Padding): readonly number[] {
  return [0, 0, rows[0], columns[0], 0, 0, rows[1], columns[1]];
}

/** A line for each operation; a new one goes here. */
const WRITERS: { readonly [Type in LayerOp["type"]]?: Writer<Type> } = {
  Rescaling(layer, { scale, offset }, { graph, inputs }) {
    const factor = perChannel(`${layer.name}/scale`, scale, graph);
    const summand = perChannel(`${layer.name}/offset`, offset, graph);
    const scaled = graph.node(`${layer.name}/multiply`, "Mul", [...inputs, factor]);
    return graph.node(layer.name, "Add", [scaled, summand]);
  },
  Normalization(layer, { given }, { network, graph, inputs }) {
    const valuesOf = (name: "mean" | "variance"): readonly number[] =>
      given?.[name] ?? Array.from(weightOf(network, layer, name).data);
    const mean = perChannel(`${layer.name}/mean`, valuesOf("mean"), graph);
    const deviation = perChannel(`${layer.name}/deviation`, valuesOf("variance").map(Math.sqrt), graph);
    return graph.node(layer.name, "Div", [graph.node(`${layer.name}/subtract`, "Sub", [...inputs, mean]), deviation]);
  },
  // Keras: height, width, in, out. ONNX: out, in, height, width.
  Conv2D: (layer, op, place) => convolution(layer, op, place, [3, 2, 0, 1], 1),
  // Keras: height, width, channels, 1. ONNX: channels, 1, height, width.
  DepthwiseConv2D: (layer, op, place) => convolution(layer, op, place, [2, 3, 0, 1], layer.inputShapes[0]?.[2] ?? 1),
  BatchNormalization(layer, { epsilon }, place) {
    const weights = ["gamma", "beta", "moving_mean", "moving_variance"].map((name) => weight(place, layer, name));
    return place.graph.node(
      layer.name,
      "BatchNormalization",
      [...place.inputs, ...weights],
      [float("epsilon", epsilon)],
    );
  },
  ReLU(layer, { maxValue }, { graph, inputs: [x = ""] }) {
    return maxValue === null ? graph.node(layer.name, "Relu", [x]) : clip(layer.name, maxValue, x, graph);
  },
  Activation: ({ name }, { activation }, { graph, inputs: [x = ""] }) =>
    activation === "linear" ? x : activate(name, activation, x, graph),
  ZeroPadding2D(layer, { padding }, { graph, inputs }) {
    return graph.node(layer.name, "Pad", [...inputs, graph.integers(`${layer.name}/pads`, padsOf(padding))]);
  },
  Add: (layer, _, { graph, inputs }) => graph.node(layer.name, "Add", inputs),
  // A factor for each channel, [channels, 1, 1], broadcasts.
  Multiply: (layer, _, { graph, inputs }) => graph.node(layer.name, "Mul", inputs),
  MaxPooling2D(layer, { poolSize, strides, padding }, { graph, inputs }) {
    const attributes = [integers("kernel_shape", poolSize), integers("strides", [strides, strides])];
    return graph.node(layer.name, "MaxPool", inputs, [...attributes, windowPads(padding)]);
  },
  GlobalAveragePooling2D(layer, { keepDims }, { graph, inputs }) {
    if (keepDims === true) return graph.node(layer.name, "GlobalAveragePool", inputs);
    const pooled = graph.node(`${layer.name}/mean`, "GlobalAveragePool", inputs);
    return graph.node(layer.name, "Flatten", [pooled], [integer("axis", 1)]);
  },
  // The elements' order is that of channels-last; a 0 stands for the batch.
  Reshape({ name, inputShapes: [from = []], outputShape }, _, { graph, inputs: [x = ""] }) {
    const last = transposed(`${name}/channels_last`, [0, 2, 3, 1], from, x, graph);
    const shape = graph.integers(`${name}/shape`, [0, ...outputShape]);
    const isImage = outputShape.length === 3;
    const shaped = graph.node(isImage ? `${name}/reshape` : name, "Reshape", [last, shape]);
    return transposed(name, [0, 3, 1, 2], outputShape, shaped, graph);
  },
  Dropout: (_layer, _op, { inputs }) => inputs[0] ?? "", // in inference it does nothing
  Dense(layer, _, place) {
    const bias = layer.weights.some(({ name }) => name === "bias") ? [weight(place, layer, "bias")] : [];
    return place.graph.node(layer.name, "Gemm", [...place.inputs, weight(place, layer, "kernel"), ...bias]);
  },
};

/**
 * Adds a layer's operations to a graph.
 * @returns the name of its output
 * @throws ThawError `export-unsupported`
 */
export function addLayer(layer: ExportedLayer, place: Place): string {
  const write = WRITERS[layer.op.type] as Writer<LayerOp["type"]> | undefined;
  if (write === undefined) throw unsupported("ONNX", layer.name, layer.op.type);
  return write(layer, layer.op, place);
}

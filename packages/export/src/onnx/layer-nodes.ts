import type { LayerOp, Padding } from "@thaw/core";
import { type ExportedLayer, type ExportedNetwork, weightOf } from "../exported-network.ts";
import { unsupported } from "../unsupported.ts";
import { float, type GraphBuilder, integer, integers } from "./graph-builder.ts";

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

function convolution(
  layer: ExportedLayer,
  op: Extract<LayerOp, { readonly type: "Conv2D" | "DepthwiseConv2D" }>,
  place: Place,
  axes: readonly number[],
  groups: number,
): string {
  const { padding, strides, useBias, activation } = op;
  if (activation !== undefined) throw unsupported("ONNX", layer.name, `a convolution with activation ${activation}`);
  const kernel = turnedKernel(place, layer, axes);
  const bias = useBias ? [weight(place, layer, "bias")] : [];
  const pads = [padding[0][0], padding[1][0], padding[0][1], padding[1][1]];
  const attributes = [integers("pads", pads), integers("strides", [strides, strides]), integer("group", groups)];
  return place.graph.node(layer.name, "Conv", [...place.inputs, kernel, ...bias], attributes);
}

/** Zeros in front of each axis, then behind each: batch, channels, rows, columns. */
function padsOf([rows, columns]: Padding): readonly number[] {
  return [0, 0, rows[0], columns[0], 0, 0, rows[1], columns[1]];
}

/** A line for each operation; a new one goes here. */
const WRITERS: { readonly [Type in LayerOp["type"]]?: Writer<Type> } = {
  Rescaling(layer, { scale, offset }, { graph, inputs }) {
    const factor = graph.floats(`${layer.name}/scale`, [scale.length, 1, 1], Float32Array.from(scale));
    const summand = graph.floats(`${layer.name}/offset`, [offset.length, 1, 1], Float32Array.from(offset));
    const scaled = graph.node(`${layer.name}/multiply`, "Mul", [...inputs, factor]);
    return graph.node(layer.name, "Add", [scaled, summand]);
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
  ReLU(layer, { maxValue }, { graph, inputs }) {
    if (maxValue === null) return graph.node(layer.name, "Relu", inputs);
    const bounds = [
      graph.floats(`${layer.name}/min`, [], Float32Array.of(0)),
      graph.floats(`${layer.name}/max`, [], Float32Array.of(maxValue)),
    ];
    return graph.node(layer.name, "Clip", [...inputs, ...bounds]);
  },
  ZeroPadding2D(layer, { padding }, { graph, inputs }) {
    return graph.node(layer.name, "Pad", [...inputs, graph.integers(`${layer.name}/pads`, padsOf(padding))]);
  },
  Add: (layer, _, { graph, inputs }) => graph.node(layer.name, "Add", inputs),
  GlobalAveragePooling2D(layer, _, { graph, inputs }) {
    const pooled = graph.node(`${layer.name}/mean`, "GlobalAveragePool", inputs);
    return graph.node(layer.name, "Flatten", [pooled], [integer("axis", 1)]);
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

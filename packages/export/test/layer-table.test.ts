import type { HostTensor, LayerOp } from "@thaw/core";
import { describe, expect, it } from "vitest";
import type { ExportedLayer, ExportedNetwork } from "../src/exported-network.ts";
import { kerasLayer } from "../src/keras/layer-configs.ts";
import { graphBuilder } from "../src/onnx/graph-builder.ts";
import { addLayer } from "../src/onnx/layer-nodes.ts";
import { equivalentRows } from "../src/tfjs/equivalent-rows.ts";

const [IMAGE, NO_PADDING] = [
  [4, 4, 2],
  [
    [0, 0],
    [0, 0],
  ],
] as const;

/** A row that reads `x` and gives what `outputShape` says. */
function row(
  op: LayerOp,
  shapes: { readonly inputShape?: readonly number[]; readonly outputShape?: readonly number[] } = {},
): ExportedLayer {
  const { inputShape = IMAGE, outputShape = inputShape } = shapes;
  const [name, inputs, inputShapes] = ["row", ["x"], [inputShape]];
  return { name, op, inputs, inputShapes, outputShape, weights: [], macs: 0, trainable: true, activation: "linear" };
}

/** A network of one row and one that reads it, with weights for the row. */
function networkOf(layer: ExportedLayer, weights: Readonly<Record<string, readonly number[]>> = {}): ExportedNetwork {
  const reader = { ...row({ type: "ReLU", maxValue: null }), name: "reader", inputs: [layer.name] };
  const tensors = Object.entries(weights).map(([name, values]): [string, HostTensor] => [
    `${layer.name}/${name}`,
    { dtype: "float32", shape: [values.length], data: Float32Array.from(values) },
  ]);
  return {
    name: "tiny",
    layers: [layer, reader],
    weights: new Map(tensors),
    classes: ["a", "b"],
    inputShape: [4, 4, 3],
    input: { range: [0, 255], fromPixels: "", colours: "red, green, blue", scaling: "" },
  };
}

function onnxNodes(layer: ExportedLayer): readonly (readonly [type: string, name: string])[] {
  const graph = graphBuilder();
  const network = networkOf(layer);
  expect(addLayer(layer, { network, graph, inputs: ["x"] })).toBe("row");
  return graph.nodes.map(({ op_type: type, name }) => [type, name]);
}

describe("Keras's words", () => {
  it("keep the axes of a pooling, drop whole images, and give statistics that are numbers", () => {
    const pooling = row({ type: "GlobalAveragePooling2D", keepDims: true }, { outputShape: [1, 1, 2] });
    expect(kerasLayer(pooling).config.keepdims).toBe(true);
    const dropout = row({ type: "Dropout", rate: 0.1, perImage: true });
    expect(kerasLayer(dropout).config).toMatchObject({ rate: 0.1, noise_shape: [null, 1, 1, 1] });
    const given = { mean: [1, 2], variance: [3, 4] };
    expect(kerasLayer(row({ type: "Normalization", given })).config).toMatchObject({ axis: [-1], ...given });
  });

  it("have no pooling with zeros of one's own", () => {
    const padding = [
      [2, 0],
      [0, 0],
    ] as const;
    const op = { type: "MaxPooling2D", poolSize: [2, 2], strides: 2, padding } as const;
    expect(() => kerasLayer(row(op))).toThrow('a pooling with padding [[2,0],[0,0]] (layer "row")');
    expect(kerasLayer(row({ ...op, padding: NO_PADDING })).config).toMatchObject({
      pool_size: [2, 2],
      strides: [2, 2],
      padding: "valid",
    });
  });
});

describe("rows for tfjs-layers", () => {
  const namesOf = (network: ExportedNetwork): readonly string[] => equivalentRows(network).map(({ name }) => name);
  const readsOf = (network: ExportedNetwork): readonly string[] => equivalentRows(network).at(-1)?.inputs ?? [];

  it("make a Rescaling of a Normalization, without weights", () => {
    const normalization = {
      ...row({ type: "Normalization" }),
      weights: [
        { name: "mean", shape: [2], trainable: false },
        { name: "variance", shape: [2], trainable: false },
      ],
    };
    const [scaling] = equivalentRows(networkOf(normalization, { mean: [3, 4], variance: [4, 16] }));
    expect(scaling?.op).toEqual({ type: "Rescaling", scale: [0.5, 0.25], offset: [-1.5, -1] });
    expect(scaling?.weights).toEqual([]);
  });

  it("refuse a Normalization whose variance is 0", () => {
    const given = { mean: [0, 0], variance: [1, 0] };
    expect(() => equivalentRows(networkOf(row({ type: "Normalization", given })))).toThrow(
      'a Normalization whose variance is not above 0 (layer "row")',
    );
  });

  it("keep a pooling's axes by a Reshape, which later layers read", () => {
    const network = networkOf(row({ type: "GlobalAveragePooling2D", keepDims: true }, { outputShape: [1, 1, 2] }));
    expect(namesOf(network)).toEqual(["row", "row_image", "reader"]);
    expect(equivalentRows(network).map(({ outputShape }) => outputShape.length)).toEqual([1, 3, 3]);
    expect(readsOf(network)).toEqual(["row_image"]);
  });

  it("take hard activations apart, behind a convolution too", () => {
    const sigmoid = networkOf(row({ type: "Activation", activation: "hard_sigmoid" }));
    expect(namesOf(sigmoid)).toEqual(["row_shift", "row_clip", "row_sixth", "reader"]);
    const silu = networkOf(row({ type: "Activation", activation: "hard_silu" }));
    expect(equivalentRows(silu).at(-2)?.inputs).toEqual(["x", "row_sixth"]);
    const convolution = { type: "Conv2D", strides: 1, padding: NO_PADDING, useBias: true } as const;
    const behind = networkOf(row({ ...convolution, activation: "hard_silu" }));
    expect(namesOf(behind)).toEqual(["row", "row_shift", "row_clip", "row_sixth", "row_times", "reader"]);
    const [linear] = equivalentRows(behind);
    expect(linear?.op).toEqual(convolution);
    expect(equivalentRows(behind).at(-2)?.inputs).toEqual(["row", "row_sixth"]);
    expect(readsOf(behind)).toEqual(["row_times"]);
  });

  it("leave alone what tfjs-layers has", () => {
    for (const op of [
      { type: "Activation", activation: "silu" },
      { type: "GlobalAveragePooling2D" },
      { type: "Multiply" },
    ] as const) {
      const network = networkOf(row(op));
      expect(equivalentRows(network)).toEqual(network.layers);
    }
  });
});

describe("ONNX's nodes", () => {
  it.each([
    ["sigmoid", ["Sigmoid"]],
    ["silu", ["Sigmoid", "Mul"]],
    ["hard_sigmoid", ["HardSigmoid"]],
    ["hard_silu", ["HardSwish"]],
  ] as const)("of %s are %j", (activation, types) => {
    expect(onnxNodes(row({ type: "Activation", activation })).map(([type]) => type)).toEqual(types);
  });

  it("reshape in the order of channels-last", () => {
    const types = (from: readonly number[], to: readonly number[]): readonly string[] =>
      onnxNodes(row({ type: "Reshape" }, { inputShape: from, outputShape: to })).map(([type]) => type);
    expect(types([2], [1, 1, 2])).toEqual(["Reshape", "Transpose"]);
    expect(types([4, 4, 2], [32])).toEqual(["Transpose", "Reshape"]);
    expect(types([4, 4, 2], [2, 8, 2])).toEqual(["Transpose", "Reshape", "Transpose"]);
  });

  it("pool with any padding", () => {
    const padding = [
      [2, 0],
      [0, 1],
    ] as const;
    const graph = graphBuilder();
    const layer = row({ type: "MaxPooling2D", poolSize: [3, 2], strides: 2, padding });
    addLayer(layer, { network: networkOf(layer), graph, inputs: ["x"] });
    const attributes = Object.fromEntries(
      graph.nodes.flatMap(({ attribute = [] }) =>
        attribute.flatMap((one) => ("ints" in one ? [[one.name, one.ints]] : [])),
      ),
    );
    expect(attributes).toEqual({ kernel_shape: [3, 2], strides: [2, 2], pads: [2, 0, 0, 1] });
  });
});

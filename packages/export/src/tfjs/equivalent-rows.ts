import type { LayerOp } from "@thaw/core";
import { type ExportedLayer, type ExportedNetwork, weightOf } from "../exported-network.ts";
import { unsupported } from "../unsupported.ts";

/** A row behind another, without weights. */
function rowBehind(
  row: ExportedLayer,
  name: string,
  op: LayerOp,
  inputs: readonly (readonly [name: string, shape: readonly number[]])[],
): ExportedLayer {
  return {
    name,
    op,
    inputs: inputs.map(([input]) => input),
    inputShapes: inputs.map(([, shape]) => shape),
    outputShape: row.outputShape,
    weights: [],
    macs: 0,
    trainable: row.trainable,
    activation: "linear",
  };
}

function rescaling(scale: number, offset: number, { outputShape }: ExportedLayer): LayerOp {
  const values = (value: number): readonly number[] => new Array<number>(outputShape.at(-1) ?? 0).fill(value);
  return { type: "Rescaling", scale: values(scale), offset: values(offset) };
}

/** Keras 3's `hard_sigmoid` of a tensor, or that times the tensor: tfjs-layers has Keras 2's, which is another function. */
function hardRows(row: ExportedLayer, input: string, activation: "hard_sigmoid" | "hard_silu"): ExportedLayer[] {
  const { name, outputShape } = row;
  const [shift, clip, sixth, times] = [`${name}_shift`, `${name}_clip`, `${name}_sixth`, `${name}_times`] as const;
  const rows = [
    rowBehind(row, shift, rescaling(1, 3, row), [[input, outputShape]]),
    rowBehind(row, clip, { type: "ReLU", maxValue: 6 }, [[shift, outputShape]]),
    rowBehind(row, sixth, rescaling(1 / 6, 0, row), [[clip, outputShape]]),
  ];
  if (activation === "hard_sigmoid") return rows;
  const factors = [
    [input, outputShape],
    [sixth, outputShape],
  ] as const;
  return [...rows, rowBehind(row, times, { type: "Multiply" }, factors)];
}

/** `(x - mean) / √variance` as one factor and one summand a channel. */
function normalisingScale(
  network: ExportedNetwork,
  row: ExportedLayer,
  op: Extract<LayerOp, { readonly type: "Normalization" }>,
): LayerOp {
  const valuesOf = (name: "mean" | "variance"): readonly number[] =>
    op.given?.[name] ?? Array.from(weightOf(network, row, name).data);
  const [means, deviations] = [valuesOf("mean"), valuesOf("variance").map(Math.sqrt)];
  // Infinity has no place in JSON.
  if (!deviations.every((deviation) => deviation > 0)) {
    throw unsupported("tfjs", row.name, "a Normalization whose variance is not above 0");
  }
  return {
    type: "Rescaling",
    scale: deviations.map((deviation) => 1 / deviation),
    offset: deviations.map((deviation, channel) => -(means[channel] ?? 0) / deviation),
  };
}

/** The rows that stand for one; the last gives its output. */
function rowsFor(network: ExportedNetwork, row: ExportedLayer): readonly ExportedLayer[] {
  const { name, op, inputs } = row;
  switch (op.type) {
    case "Normalization":
      return [{ ...row, op: normalisingScale(network, row, op), weights: [] }];
    case "GlobalAveragePooling2D": {
      if (op.keepDims !== true) return [row];
      const pooled = row.outputShape.slice(-1);
      return [
        { ...row, op: { type: "GlobalAveragePooling2D" }, outputShape: pooled },
        rowBehind(row, `${name}_image`, { type: "Reshape" }, [[name, pooled]]),
      ];
    }
    case "Activation":
      if (op.activation !== "hard_sigmoid" && op.activation !== "hard_silu") return [row];
      return hardRows(row, inputs[0] ?? "", op.activation);
    case "Conv2D":
    case "DepthwiseConv2D": {
      const { activation, ...linear } = op;
      if (activation !== "hard_sigmoid" && activation !== "hard_silu") return [row];
      return [{ ...row, op: linear }, ...hardRows(row, name, activation)];
    }
    default:
      return [row];
  }
}

/** Writes a network with the layers that tfjs-layers has: what it lacks becomes rows that compute the same. */
export function equivalentRows(network: ExportedNetwork): readonly ExportedLayer[] {
  const outputs = new Map<string, string>();
  return network.layers.flatMap((layer) => {
    const inputs = layer.inputs.map((input) => outputs.get(input) ?? input);
    const rows = rowsFor(network, { ...layer, inputs });
    outputs.set(layer.name, rows.at(-1)?.name ?? layer.name);
    return rows;
  });
}

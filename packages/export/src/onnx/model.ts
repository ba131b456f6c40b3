import type { ExportedNetwork } from "../exported-network.ts";
import { graphBuilder, integer, integers } from "./graph-builder.ts";
import { addLayer } from "./layer-nodes.ts";
import { encodeModel, FLOAT, type ValueInfoProto } from "./messages.ts";

/** Operators as of ONNX 1.12 (2022): every runtime of today has them. */
const OPSET = 17;
const IR_VERSION = 8;

/** What the graph's input and output are called. */
export const ONNX_INPUT = "images";
export const ONNX_OUTPUT = "probabilities";

function value(name: string, sizes: readonly number[], about: string): ValueInfoProto {
  const dim = [{ dim_param: "batch" }, ...sizes.map((size) => ({ dim_value: size }))];
  return { name, doc_string: about, type: { tensor_type: { elem_type: FLOAT, shape: { dim } } } };
}

/**
 * Writes an ONNX file: one graph over batches of any size, images channels-last as Keras has them (one Transpose makes
 * them channels-first, as ONNX's convolutions want), probabilities out. Operations bear Keras's layer names, weights
 * Keras's weight names.
 * @param version of what made it
 * @throws ThawError `export-unsupported`
 */
export function onnxModel(network: ExportedNetwork, version: string): Uint8Array {
  const graph = graphBuilder();
  const outputs = new Map<string, string>();
  let last = "";
  for (const layer of network.layers) {
    if (layer.op.type === "InputLayer") {
      last = graph.node("channels_first", "Transpose", [ONNX_INPUT], [integers("perm", [0, 3, 1, 2])]);
    } else {
      const inputs = layer.inputs.map((input) => outputs.get(input) ?? "");
      last = addLayer(layer, { network, graph, inputs });
      if (layer.activation === "softmax") {
        last = graph.node("softmax", "Softmax", [last], [integer("axis", -1)], ONNX_OUTPUT);
      }
    }
    outputs.set(layer.name, last);
  }
  const { range, fromPixels, colours } = network.input;
  const about = `float32, ${range[0]} to ${range[1]}: ${fromPixels}; channels last: ${colours}`;
  return encodeModel({
    ir_version: IR_VERSION,
    producer_name: "thaw",
    producer_version: version,
    doc_string: "Made by Thaw; see MODEL_CARD.md.",
    opset_import: [{ domain: "", version: OPSET }],
    metadata_props: [
      { key: "classes", value: JSON.stringify(network.classes) },
      { key: "input", value: about },
    ],
    graph: {
      name: network.name,
      node: graph.nodes,
      initializer: graph.initializers,
      input: [value(ONNX_INPUT, network.inputShape, about)],
      output: [value(ONNX_OUTPUT, [network.classes.length], "rows add up to 1")],
    },
  });
}

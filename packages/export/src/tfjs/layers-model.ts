import { bytesOf, type ExportedLayer, type ExportedNetwork, weightOf } from "../exported-network.ts";
import { kerasLayer } from "../keras/layer-configs.ts";
import { equivalentRows } from "./equivalent-rows.ts";

/** What tfjs's own converter takes: browsers cache files of this size. */
const SHARD_BYTES = 4 * 1024 * 1024;

/** tfjs-layers calls silu as Keras 2 did. */
function activationName(config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return config.activation === "silu" ? { ...config, activation: "swish" } : config;
}

function layerConfig(layer: ExportedLayer): unknown {
  const { name, op, outputShape } = layer;
  if (op.type === "InputLayer") {
    const config = { batch_input_shape: [null, ...outputShape], dtype: "float32", sparse: false, name };
    return { class_name: "InputLayer", config, name, inbound_nodes: [] };
  }
  const { className, config: keras } = kerasLayer(layer);
  const config = activationName(keras);
  return { class_name: className, config, name, inbound_nodes: [layer.inputs.map((input) => [input, 0, 0, {}])] };
}

/** tfjs-layers calls a depthwise kernel as Keras 2 did. */
function weightName({ name, op }: ExportedLayer, weight: string): string {
  return `${name}/${op.type === "DepthwiseConv2D" && weight === "kernel" ? "depthwise_kernel" : weight}`;
}

/** Cuts all weights, one behind the other, into files. */
function shardsOf(network: ExportedNetwork): { readonly entries: readonly unknown[]; readonly shards: Uint8Array[] } {
  const rows = network.layers.flatMap((layer) =>
    layer.weights.map(({ name, shape }) => ({
      entry: { name: weightName(layer, name), shape, dtype: "float32" },
      bytes: bytesOf(weightOf(network, layer, name)),
    })),
  );
  const all = new Uint8Array(rows.reduce((sum, { bytes }) => sum + bytes.length, 0));
  let offset = 0;
  for (const { bytes } of rows) {
    all.set(bytes, offset);
    offset += bytes.length;
  }
  const shards: Uint8Array[] = [];
  for (let start = 0; start < all.length; start += SHARD_BYTES) shards.push(all.slice(start, start + SHARD_BYTES));
  return { entries: rows.map(({ entry }) => entry), shards };
}

/**
 * Writes a model that `tf.loadLayersModel` reads, with its weights in files of at most 4 MiB beside it.
 * @param whole the network; what tfjs-layers lacks is written as layers that compute the same
 * @param generatedBy what made it, with its version
 * @returns files by name, `model.json` first
 * @throws ThawError `export-unsupported`
 */
export function tfjsLayersModel(whole: ExportedNetwork, generatedBy: string): ReadonlyMap<string, Uint8Array> {
  const network = { ...whole, layers: equivalentRows(whole) };
  const { entries, shards } = shardsOf(network);
  const names = shards.map((_, index) => `group1-shard${index + 1}of${shards.length}.bin`);
  const { layers } = network;
  const model = {
    format: "layers-model",
    generatedBy,
    convertedBy: null,
    modelTopology: {
      keras_version: "2.16.0", // whose way of writing a model down this is
      backend: "tensorflow",
      model_config: {
        class_name: "Functional",
        config: {
          name: network.name,
          trainable: true,
          layers: layers.map(layerConfig),
          input_layers: [[layers[0]?.name, 0, 0]],
          output_layers: [[layers.at(-1)?.name, 0, 0]],
        },
      },
    },
    weightsManifest: [{ paths: names, weights: entries }],
    userDefinedMetadata: { classes: network.classes, input: network.input },
  };
  const json = new TextEncoder().encode(JSON.stringify(model));
  return new Map([["model.json", json], ...names.map((name, index) => [name, shards[index] ?? json] as const)]);
}

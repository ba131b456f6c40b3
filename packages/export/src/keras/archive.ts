import type { HostTensor } from "@thaw/core";
import { zipSync } from "fflate";
import { type ExportedLayer, type ExportedNetwork, weightOf } from "../exported-network.ts";
import { type Hdf5WriterGroup, writeHdf5 } from "./hdf5-writer.ts";
import { kerasLayer } from "./layer-configs.ts";

/** The Keras whose files these are like; also the oldest that was tried. */
const KERAS_VERSION = "3.15.1";

const batched = (shape: readonly number[]): readonly (number | null)[] => [null, ...shape];

/** How Keras 3 writes down that a layer's output comes in. */
function tensorConfig(name: string, shape: readonly number[]): unknown {
  const config = { shape: batched(shape), dtype: "float32", keras_history: [name, 0, 0] };
  return { class_name: "__keras_tensor__", config };
}

function inputConfig({ name, outputShape }: ExportedLayer): unknown {
  const config = { batch_shape: batched(outputShape), dtype: "float32", sparse: false, name };
  return { module: "keras.layers", class_name: "InputLayer", config, registered_name: null, name, inbound_nodes: [] };
}

function layerConfig(layer: ExportedLayer): unknown {
  if (layer.op.type === "InputLayer") return inputConfig(layer);
  const { className, config } = kerasLayer(layer);
  const tensors = layer.inputs.map((input, index) => tensorConfig(input, layer.inputShapes[index] ?? []));
  const shapes = layer.inputShapes.map(batched);
  const takesList = layer.op.type === "Add" || layer.op.type === "Multiply";
  return {
    module: "keras.layers",
    class_name: className,
    config,
    registered_name: null,
    build_config: { input_shape: takesList ? shapes : shapes[0] },
    name: layer.name,
    inbound_nodes: [{ args: takesList ? [tensors] : tensors, kwargs: {} }],
  };
}

function modelConfig({ name, layers }: ExportedNetwork): unknown {
  return {
    module: "keras.src.models.functional",
    class_name: "Functional",
    config: {
      name,
      trainable: true,
      layers: layers.map(layerConfig),
      input_layers: [layers[0]?.name, 0, 0],
      output_layers: [layers.at(-1)?.name, 0, 0],
    },
    registered_name: "Functional",
    build_config: { input_shape: null },
    compile_config: null,
  };
}

/** Weights as Keras numbers them: a group a layer, called by its class and counted from the second on. */
function fillWeights(root: Hdf5WriterGroup, network: ExportedNetwork): void {
  const list = root.group("layers");
  root.group("vars");
  const counts = new Map<string, number>();
  for (const layer of network.layers) {
    const group = layer.op.type === "InputLayer" ? "input_layer" : kerasLayer(layer).group;
    const count = counts.get(group) ?? 0;
    counts.set(group, count + 1);
    const vars = list.group(count === 0 ? group : `${group}_${count}`).group("vars");
    vars.text("name", layer.name);
    for (const [index, { name, shape }] of layer.weights.entries()) {
      const { data } = weightOf(network, layer, name) as HostTensor & { readonly data: Float32Array };
      vars.dataset(String(index), { shape, data });
    }
    // Keras keeps how many images its statistics are of, for files of older versions: nothing reads it.
    const hasCount = layer.op.type === "Normalization" && layer.op.given === undefined;
    if (hasCount) vars.dataset(String(layer.weights.length), { shape: [], data: Int32Array.of(0) });
  }
}

/**
 * Writes a `.keras` archive: loads with `keras.models.load_model`, predicts probabilities, and trains on with the layers
 * that trained here.
 * @param date when it is made, for the archive's metadata
 * @throws ThawError `export-unsupported`
 * @see keras/src/saving/saving_lib.py
 */
export async function kerasArchive(network: ExportedNetwork, date: Date): Promise<Uint8Array> {
  const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  const saved = date.toISOString().slice(0, 19).replace("T", "@");
  const weights = await writeHdf5((root) => fillWeights(root, network));
  return zipSync(
    {
      "metadata.json": json({ keras_version: KERAS_VERSION, date_saved: saved }),
      "config.json": json(modelConfig(network)),
      "model.weights.h5": [weights, { level: 0 }],
    },
    { mtime: date },
  );
}

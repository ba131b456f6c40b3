import { ThawError } from "../error.ts";
import { type GraphNode, readKerasGraph } from "./keras-graph.ts";
import { addKerasLayer } from "./keras-layers.ts";
import type { Model, Preprocessing } from "./layer.ts";
import { type TableBuilder, tableBuilder } from "./table-builder.ts";

/** What is to be said of a configured network beside its configuration. */
export interface KerasConfigOptions {
  /** Side of the square input, pixels. */
  readonly imageSize: number;
  /** What pixels become; needed unless the network begins with a Rescaling or a Normalization, which is then `none`. */
  readonly preprocessing?: Preprocessing | undefined;
  /** What messages call the configuration; `config.json` without. */
  readonly where?: string;
}

function addInput(table: TableBuilder, { name, config }: GraphNode, imageSize: number, where: string): void {
  const shape = config.batch_shape ?? config.batch_input_shape;
  const [, height, width, channels]: readonly unknown[] = Array.isArray(shape) ? shape : [];
  const fits = [height, width].every((side) => side === null || side === imageSize) && channels === 3;
  if (!fits) {
    const found = JSON.stringify(shape ?? null);
    throw new ThawError(
      "model-unsupported",
      `${where}: input "${name}" has shape ${found}, and model.imageSize is ${imageSize}.`,
      {
        hint:
          height === width && typeof height === "number" && channels === 3
            ? `Set model.imageSize to ${height}.`
            : "Supported are square images of three colours: (None, size, size, 3), or (None, None, None, 3) for any size.",
      },
    );
  }
  table.input(name, [imageSize, imageSize, 3]);
}

function preprocessingOf(table: TableBuilder, given: Preprocessing | undefined, where: string): Preprocessing {
  if (given !== undefined) return given;
  const [input] = table.layers;
  const readers = table.layers.filter(({ inputs }) => inputs.includes(input?.name ?? ""));
  const scales = readers.every(({ op }) => op.type === "Rescaling" || op.type === "Normalization");
  if (scales) return "none";
  throw new ThawError("model-unsupported", `${where} does not say how its images are scaled.`, {
    hint: 'Set model.preprocessing: "tf" (-1 to 1), "caffe" (BGR less the means), or "none" (0 to 255); or let the network begin with a Rescaling.',
  });
}

/**
 * Turns the configuration of a Keras functional model into a layer table, with Keras's names, order, shapes and weights.
 * @param config parsed JSON: what `model.to_json()` writes and a `.keras` archive has as `config.json`
 * @returns a network from one square RGB image to a vector of features, on which a spec's head is put
 * @throws ThawError `model-config-invalid`, `model-unsupported` that names the layer, its class and what is supported
 */
export function modelFromKerasConfig(config: unknown, options: KerasConfigOptions): Model {
  const { imageSize, preprocessing, where = "config.json" } = options;
  const graph = readKerasGraph(config, where);
  const table = tableBuilder();
  const known = new Set<string>();
  for (const node of graph.nodes) {
    const late = node.inputs.find((input) => !known.has(input));
    if (late !== undefined || known.has(node.name)) {
      const what =
        late === undefined ? `"${node.name}" is there twice` : `"${node.name}" stands before its input "${late}"`;
      throw new ThawError("model-config-invalid", `${where}: layer ${what}.`, {
        hint: "Write the configuration with Keras itself: model.to_json().",
      });
    }
    if (node.className === "InputLayer") addInput(table, node, imageSize, where);
    else addKerasLayer(table, node, { where, isKeras2: graph.isKeras2 });
    known.add(node.name);
  }
  const last = table.layers.at(-1);
  if (last?.name !== graph.output || last.outputShape.length !== 1) {
    const shape = table.shapeOf(graph.output).join("×");
    throw new ThawError(
      "model-unsupported",
      `${where}: the output, "${graph.output}" (${shape}), is no vector of features at the end.`,
      { hint: "End the model with GlobalAveragePooling2D and without classifier: the spec's own head follows it." },
    );
  }
  return {
    name: graph.name,
    preprocessing: preprocessingOf(table, preprocessing, where),
    inputShape: [imageSize, imageSize, 3],
    layers: table.layers,
  };
}

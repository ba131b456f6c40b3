import { clipped, shownValue } from "../clipped.ts";
import { ThawError } from "../error.ts";
import { type GraphNode, readKerasGraph } from "./keras-graph.ts";
import { addKerasLayer } from "./keras-layers.ts";
import { type Layer, type Model, type Preprocessing, sizeOf } from "./layer.ts";
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
    const found = shownValue(shape ?? null);
    throw new ThawError(
      "model-unsupported",
      `${where}: input "${clipped(name)}" has shape ${found}, and model.imageSize is ${imageSize}.`,
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

/** Sides and channels beyond these are no network that is trained here, and would take any amount of memory. */
const MAX_SIDE = 65_536;
/** Elements of one output or weight: 2 GB as float32. */
const MAX_ELEMENTS = 2 ** 29;
const MAX_LAYERS = 10_000;

/** Checks the sizes of a layer that was added. @throws ThawError `model-unsupported` */
function checkSizes({ name, op, outputShape, weights }: Layer, where: string): void {
  const shapes = [outputShape, ...weights.map(({ shape }) => shape)];
  const isSide = (side: number): boolean => Number.isInteger(side) && side > 0 && side <= MAX_SIDE;
  const wrong = shapes.find((shape) => !shape.every(isSide) || sizeOf(shape) > MAX_ELEMENTS);
  if (wrong === undefined) return;
  throw new ThawError(
    "model-unsupported",
    `${where}: layer "${clipped(name)}" (${op.type}) has a shape of ${wrong.join("×")}.`,
    {
      hint: `Supported are sides from 1 to ${MAX_SIDE}, and ${MAX_ELEMENTS} elements in all: check its sizes and those before it.`,
    },
  );
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
  if (graph.nodes.length > MAX_LAYERS) {
    throw new ThawError(
      "model-unsupported",
      `${where} has ${graph.nodes.length} layers, at most ${MAX_LAYERS} are read.`,
      {
        hint: "Check that it is the right file.",
      },
    );
  }
  for (const node of graph.nodes) {
    const late = node.inputs.find((input) => !known.has(input));
    if (late !== undefined || known.has(node.name)) {
      const what =
        late === undefined
          ? `"${clipped(node.name)}" is there twice`
          : `"${clipped(node.name)}" stands before its input "${clipped(late)}"`;
      throw new ThawError("model-config-invalid", `${where}: layer ${what}.`, {
        hint: "Write the configuration with Keras itself: model.to_json().",
      });
    }
    if (node.className === "InputLayer") addInput(table, node, imageSize, where);
    else addKerasLayer(table, node, { where, isKeras2: graph.isKeras2 });
    for (const added of table.layers.slice(-1)) checkSizes(added, where);
    known.add(node.name);
  }
  const last = table.layers.at(-1);
  if (last?.name !== graph.output || last.outputShape.length !== 1) {
    const shape = table.shapeOf(graph.output).join("×");
    throw new ThawError(
      "model-unsupported",
      `${where}: the output, "${clipped(graph.output)}" (${shape}), is no vector of features at the end.`,
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

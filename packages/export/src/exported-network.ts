import {
  type HostTensor,
  type Layer,
  type LayerOp,
  type ModelRecord,
  networkOfModel,
  type Preprocessing,
  type SavedModel,
  ThawError,
} from "@thaw/core";

/** One layer as exporters see it. */
export interface ExportedLayer extends Omit<Layer, "op"> {
  readonly op: LayerOp;
  /** Shapes of what comes in, without the batch axis. */
  readonly inputShapes: readonly (readonly number[])[];
  /** Whether it trained in the last phase. */
  readonly trainable: boolean;
  /** The head gives probabilities: Thaw's own gives logits, and the loss their softmax. */
  readonly activation: "linear" | "softmax";
}

/** What goes into an exported file. */
export interface ExportedNetwork {
  readonly name: string;
  /** In Keras's order, the input first and the head last. */
  readonly layers: readonly ExportedLayer[];
  readonly weights: ReadonlyMap<string, HostTensor>;
  readonly classes: readonly string[];
  /** `[height, width, 3]` */
  readonly inputShape: readonly [number, number, number];
  readonly input: InputRange;
}

/** The values that the network takes in, and how pixels become them. */
export interface InputRange {
  readonly range: readonly [number, number];
  readonly fromPixels: string;
  readonly colours: "red, green, blue" | "blue, green, red";
  /** Who scales, in a sentence. */
  readonly scaling: string;
}

/** What Keras's `preprocess_input` does to pixels for preprocessing `tf`: as a Rescaling layer. */
const SCALING = { type: "Rescaling", scale: [1, 1, 1].map(() => 1 / 127.5), offset: [-1, -1, -1] } as const;
const RESCALING = "rescaling";
const PIXELS = { range: [0, 255], fromPixels: "the pixel itself, as float32", colours: "red, green, blue" } as const;
const SCALED_PIXELS: InputRange = {
  ...PIXELS,
  scaling:
    "A Rescaling in front turns pixels into what the network takes (`pixel / 127.5 - 1`): do not scale them yourself.",
};
const INPUTS: Readonly<Record<Preprocessing, InputRange>> = {
  tf: {
    range: [-1, 1],
    fromPixels: "pixel / 127.5 - 1",
    colours: "red, green, blue",
    scaling:
      "There is no scaling in the files: `keras.applications.mobilenet_v2.preprocess_input` does it, or `thaw export --with-rescaling` puts it in.",
  },
  caffe: {
    range: [-123.68, 151.061],
    fromPixels: "blue, green and red in this order, less 103.939, 116.779 and 123.68",
    colours: "blue, green, red",
    scaling: "There is no scaling in the files: `keras.applications.resnet.preprocess_input` does it.",
  },
  none: { ...PIXELS, scaling: "The network scales pixels itself: do not scale them yourself." },
};

function trainableLayers(record: ModelRecord): ReadonlyMap<string, boolean> {
  const layers = "imported" in record ? [] : (record.phases.at(-1)?.layers ?? []);
  return new Map(layers.map(({ name, trainable }) => [name, trainable]));
}

/** Puts a Rescaling behind the input. */
function withScaling(layers: readonly Layer[]): readonly Layer[] {
  const [input, ...rest] = layers;
  if (input === undefined) return [];
  const scaling = { ...input, name: RESCALING, op: SCALING, inputs: [input.name] };
  const below = (name: string): string => (name === input.name ? RESCALING : name);
  return [input, scaling, ...rest.map((layer) => ({ ...layer, inputs: layer.inputs.map(below) }))];
}

/**
 * Makes what exporters write of a saved model: its layer table with softmax at the end, and with a Rescaling in front
 * where pixels are to come in.
 */
export function exportedNetwork({ record, weights }: SavedModel, takesPixels: boolean): ExportedNetwork {
  const { classes } = record.data;
  const { base, layers } = networkOfModel(record);
  const trainable = trainableLayers(record);
  const { preprocessing } = base;
  if (takesPixels && preprocessing === "caffe") {
    const message = "Pixels for this network change their order of colours; no Rescaling does that.";
    throw new ThawError("export-unsupported", message, {
      hint: "Leave out --with-rescaling; the model card says how pixels become the input.",
    });
  }
  const rows = takesPixels && preprocessing === "tf" ? withScaling(layers) : layers;
  const shapes = new Map(rows.map(({ name, outputShape }) => [name, outputShape]));
  const exported = rows.map(
    (row, index): ExportedLayer => ({
      ...row,
      inputShapes: row.inputs.map((input) => shapes.get(input) ?? []),
      trainable: trainable.get(row.name) ?? true,
      activation: index === rows.length - 1 ? "softmax" : "linear",
    }),
  );
  return {
    name: base.name,
    layers: exported,
    weights,
    classes,
    inputShape: base.inputShape,
    input: takesPixels && preprocessing === "tf" ? SCALED_PIXELS : INPUTS[preprocessing],
  };
}

/** @throws ThawError `internal` */
export function weightOf({ weights }: ExportedNetwork, layer: ExportedLayer, name: string): HostTensor {
  const tensor = weights.get(`${layer.name}/${name}`);
  if (tensor === undefined) throw new ThawError("internal", `There are no weights "${layer.name}/${name}".`);
  return tensor;
}

/** The bytes of a tensor, little-endian as every machine that runs this is. */
export function bytesOf({ data }: HostTensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

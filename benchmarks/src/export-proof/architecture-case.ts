import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  ARCHITECTURES,
  type HostTensor,
  networkOfModel,
  preprocessPixels,
  readSavedModel,
  type SavedModel,
  type SpecInput,
  writeSafetensors,
} from "@thaw/core";
import { type GoldenName, goldenWeight } from "../architecture-golden.ts";
import { type KerasReading, type OnnxReading, type OwnPredictions, type ProofRow, proofRow } from "./proof.ts";
import { type ProofCase, photosFor, thaw } from "./proof-case.ts";
import { readInPython } from "./python-reader.ts";
import { readWithOnnxWeb, readWithTfjs } from "./script-readers.ts";

const [IMAGE_SIZE, PHOTOS_A_CLASS] = [64, 1];
/** Of a channel that hardly varies: its variance is the small difference of large numbers. */
const LEAST_VARIANCE = 0.05;

/** Architectures that are exported, each with the layer from which on it trains. */
const FROZEN_BEFORE: Readonly<Record<GoldenName, string>> = {
  MobileNet: "conv_dw_13",
  ResNet50: "conv5_block3_1_conv",
  EfficientNetB0: "block7a_expand_conv",
  MobileNetV3Small: "expanded_conv_10_expand",
};

/** Every architecture that is exported. */
export const EXPORTED_ARCHITECTURES: readonly GoldenName[] = Object.keys(FROZEN_BEFORE) as GoldenName[];

/** A model of an architecture, a photo of each class, and what was exported. */
export interface ArchitectureCase extends Pick<ProofCase, "model" | "pixels" | "shape"> {
  /** With the exported files. */
  readonly folder: string;
  /** float32 [photos, height, width, 3], as the network takes them. */
  readonly images: Float32Array;
  readonly imageFile: string;
}

type Training = Pick<SpecInput, "freeze" | "batchNorm" | "optimizer" | "batchSize" | "epochs">;

/** One step in which every layer takes part, and which moves statistics alone: its rate is nothing. */
const STATISTICS: Training = { freeze: 0, optimizer: { name: "sgd", learningRate: 1e-12 }, batchSize: 48, epochs: 1 };

/** Trains a network through the command line. @returns the saved model's file */
function trained(parent: string, name: string, model: SpecInput["model"], training: Training): string {
  const [specFile, modelFile] = [join(parent, `${name}.json`), join(parent, `${name}.model.safetensors`)];
  const spec: SpecInput = {
    version: 1,
    name,
    model: { ...model, imageSize: IMAGE_SIZE, head: { dropout: 0.2 } },
    data: { kind: "builtin", name: "shoes", resize: "crop", limit: 48 },
    split: { validation: 0, test: 0 },
    ...training,
  };
  writeFileSync(specFile, JSON.stringify(spec));
  thaw(["run", specFile, "--out", join(parent, "results"), "--save-model", modelFile]);
  return modelFile;
}

const readModel = (file: string): Promise<SavedModel> => readSavedModel(readFileSync(file), file);

/**
 * A network of random weights with the moving statistics that fit them, so that photos do not all look the same to the network, and
 * the last bit of a number does not decide about a probability.
 */
async function tameModel(parent: string, name: GoldenName): Promise<SpecInput["model"]> {
  const { layers } = ARCHITECTURES[name].build({ alpha: 1, imageSize: IMAGE_SIZE });
  const random = layers.flatMap((layer) =>
    layer.weights.map(({ name: weight, shape }) => {
      const whole = `${layer.name}/${weight}`;
      return [whole, goldenWeight(whole, shape)] as const;
    }),
  );
  for (const [whole, { data }] of random) {
    // Residual branches that add little: as they are, ResNet50 amplifies the last bit too much.
    if (/^conv\d_block\d_3_bn\/gamma$/.test(whole))
      for (const [channel, value] of data.entries()) data[channel] = value / 4;
  }
  const weights = new Map(random);
  const modelWith = (which: string, tensors: ReadonlyMap<string, HostTensor>): SpecInput["model"] => {
    const file = join(parent, `${name}-${which}.safetensors`);
    writeFileSync(file, writeSafetensors(tensors));
    return { architecture: name, weights: { file } };
  };
  const statistics = trained(parent, `${name}-statistics`, modelWith("random", weights), STATISTICS);
  const moved = (await readModel(statistics)).weights;
  for (const layer of layers) {
    if (layer.op.type !== "BatchNormalization") continue;
    const { momentum } = layer.op;
    for (const [weight, least] of [
      ["moving_mean", Number.NEGATIVE_INFINITY],
      ["moving_variance", LEAST_VARIANCE],
    ] as const) {
      const whole = `${layer.name}/${weight}`;
      const [before, after] = [weights.get(whole)?.data ?? [], moved.get(whole)?.data ?? []];
      // A step moves a statistic by `1 - momentum` of the way to the batch's.
      const ofBatch = Float32Array.from(after, (value, channel) =>
        Math.max((value - momentum * (before[channel] ?? 0)) / (1 - momentum), least),
      );
      weights.set(whole, { dtype: "float32", shape: [ofBatch.length], data: ofBatch });
    }
  }
  return modelWith("tame", weights);
}

/** Trains the end of a network of random weights, and exports it, through the command line. */
export async function makeArchitectureCase(parent: string, name: GoldenName): Promise<ArchitectureCase> {
  const training: Training = {
    freeze: FROZEN_BEFORE[name],
    optimizer: { name: "adam", learningRate: name === "ResNet50" ? 1e-4 : 5e-4 },
    batchNorm: "inference-all",
    batchSize: 16,
    epochs: 6,
  };
  return await exportedCase(parent, name, trained(parent, name, await tameModel(parent, name), training));
}

/** Trains a network that a configuration of Keras describes, from random weights, and exports it. */
export async function makeConfigCase(parent: string, name: string, config: unknown): Promise<ArchitectureCase> {
  const file = join(parent, `${name}.config.json`);
  writeFileSync(file, JSON.stringify(config));
  const training: Training = { freeze: 0, optimizer: { name: "adam", learningRate: 3e-3 }, batchSize: 16, epochs: 6 };
  const model = { architecture: "keras", config: file, preprocessing: "none", weights: "random" } as const;
  return await exportedCase(parent, name, trained(parent, name, model, training));
}

async function exportedCase(parent: string, name: string, modelFile: string): Promise<ArchitectureCase> {
  const folder = join(parent, name);
  thaw(["export", modelFile, "--to", "tfjs,keras,onnx", "--out", folder]);
  const model = await readModel(modelFile);
  const pixels = await photosFor(model, PHOTOS_A_CLASS);
  const shape = [pixels.length / (IMAGE_SIZE * IMAGE_SIZE * 3), IMAGE_SIZE, IMAGE_SIZE, 3];
  const images = preprocessPixels(preprocessingOf(model), pixels, new Float32Array(pixels.length));
  const imageFile = join(parent, `${name}.bin`);
  writeFileSync(imageFile, images);
  return { model, pixels, shape, folder, images, imageFile };
}

function preprocessingOf({ record }: SavedModel): "tf" | "caffe" | "none" {
  return networkOfModel(record).base.preprocessing;
}

/** What goes in, in words. */
const INPUTS = { tf: "-1…1", caffe: "BGR less means", none: "0…255" } as const;

/** A row from what a reader of a format said. */
export function architectureRow(
  made: ArchitectureCase,
  own: OwnPredictions,
  format: string,
  { reader, probabilities }: { readonly reader: string; readonly probabilities: Float32Array },
): ProofRow {
  return proofRow(made, own, { format, reader, probabilities, input: INPUTS[preprocessingOf(made.model)] });
}

export function kerasOf({ folder, imageFile, shape }: ArchitectureCase): Promise<KerasReading> {
  return readInPython({ reader: "with_keras", file: join(folder, "model.keras"), images: imageFile, shape });
}

export function onnxOf({ folder, imageFile, shape }: ArchitectureCase): Promise<OnnxReading> {
  return readInPython({ reader: "with_onnx", file: join(folder, "model.onnx"), images: imageFile, shape });
}

/** What {@link architectureRow} takes, of a reading in Python. */
export function pythonReading({ version, probabilities }: Pick<KerasReading, "version" | "probabilities">): {
  readonly reader: string;
  readonly probabilities: Float32Array;
} {
  return { reader: version, probabilities: Float32Array.from(probabilities.flat()) };
}

export function tfjsOf({ folder, images, shape }: ArchitectureCase): ReturnType<typeof readWithTfjs> {
  return readWithTfjs(join(folder, "tfjs"), images, shape);
}

export function onnxWebOf({ folder, images, shape }: ArchitectureCase): ReturnType<typeof readWithOnnxWeb> {
  return readWithOnnxWeb(join(folder, "model.onnx"), images, shape);
}

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomStream, readSavedModel } from "@thaw/core";
import { createRunner } from "@thaw/node-runner";
import { predictionsOf, thaw } from "./proof-case.ts";
import { readInPython } from "./python-reader.ts";

/** Models as users of Keras build them; see `thaw_readers/make_keras.py`. */
export const IMPORTED_MODELS = ["nested", "flat", "sequential", "operations"] as const;
export const IMPORTED_ENDINGS = ["keras", "h5"] as const;

/** Files that Keras made, and what Keras predicts with each model. */
export interface ImportCase {
  readonly folder: string;
  readonly version: string;
  readonly pixels: Uint8Array;
  readonly shape: readonly number[];
  readonly pixelFile: string;
  /** [images, classes] by model */
  readonly probabilities: Readonly<Record<string, Float32Array>>;
}

/** Has Keras make and save the models, and predict with them on noise. */
export async function makeImportCase(folder: string): Promise<ImportCase> {
  const shape = [8, 96, 96, 3];
  const random = randomStream(3, "import/images");
  const pixels = Uint8Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.below(256));
  const pixelFile = join(folder, "noise.bin");
  writeFileSync(pixelFile, pixels);
  const { version, probabilities } = await readInPython<{
    version: string;
    probabilities: Readonly<Record<string, readonly (readonly number[])[]>>;
  }>({ reader: "make_keras", file: folder, pixels: pixelFile, shape, takesPixels: true });
  const arrays = Object.entries(probabilities).map(([name, rows]) => [name, Float32Array.from(rows.flat())]);
  return { folder, version, pixels, shape, pixelFile, probabilities: Object.fromEntries(arrays) };
}

/** Imports a file, unless it is there already. @returns the saved model's file */
export function imported({ folder }: ImportCase, file: string): string {
  const model = join(folder, `${file}.model.safetensors`);
  const classes = ["--classes", "ballet flats,boots,flip flops,loafers,sandals,sneakers"];
  if (!existsSync(model)) thaw(["import", join(folder, file), "--out", model, ...classes]);
  return model;
}

/** What the runner `node` says of the images with an imported model. */
export async function importedPredictions(made: ImportCase, modelFile: string): Promise<Float32Array> {
  const model = await readSavedModel(readFileSync(modelFile), modelFile);
  return await predictionsOf(createRunner("node"), { model, ...made });
}

import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeFiles, resolveFile } from "@thaw/assets";
import {
  type PixelBatch,
  type PredictRequest,
  type Runner,
  readSavedModel,
  type SavedModel,
  writeSafetensors,
} from "@thaw/core";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const SPEC = join(ROOT, "benchmarks", "specs", "export-proof.json");

/** A model that was trained, photos, and what was exported. */
export interface ProofCase {
  readonly model: SavedModel;
  /** uint8 [photos, height, width, 3] */
  readonly pixels: Uint8Array;
  /** The same as a file. */
  readonly pixelFile: string;
  readonly shape: readonly number[];
  /** Exported files that take -1…1, and those that take 0…255. */
  readonly folders: { readonly scaled: string; readonly pixels: string };
  readonly modelFile: string;
}

/** Runs `thaw` from source. @throws Error with what it said */
export function thaw(args: readonly string[]): string {
  const main = join(ROOT, "packages", "cli", "src", "main.ts");
  const command = ["--import", "tsx", "--conditions=source", main, ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, {
    cwd: join(ROOT, "benchmarks"),
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`thaw ${args[0]} ended with ${status}: ${stderr}`);
  return stdout;
}

/** Real photos, as many of each class, decoded as the model's were. */
export async function photosFor({ record }: SavedModel, photosPerClass: number): Promise<Uint8Array> {
  const path = await resolveFile("shoes", { baseDir: ROOT, env: process.env }, "folder");
  const files = record.data.classes.flatMap((name) =>
    readdirSync(join(path, name))
      .sort()
      .slice(0, photosPerClass)
      .map((file) => ({ name: join(path, name, file) })),
  );
  const images: Uint8Array[] = [];
  for await (const { name, decoded } of decodeFiles(files, record.spec.model.imageSize, "crop")) {
    if ("reason" in decoded) throw new Error(`${name}: ${decoded.reason}`);
    images.push(decoded.pixels);
  }
  return new Uint8Array(Buffer.concat(images));
}

/** Trains the model of `specs/export-proof.json` and exports it to every format, through the command line. */
export async function makeProofCase(folder: string): Promise<ProofCase> {
  const modelFile = join(folder, "shoes.model.safetensors");
  mkdirSync(folder, { recursive: true });
  thaw(["run", SPEC, "--out", join(folder, "results"), "--save-model", modelFile]);
  const folders = { scaled: join(folder, "scaled"), pixels: join(folder, "pixels") };
  thaw(["export", modelFile, "--to", "tfjs,keras,onnx,safetensors", "--out", folders.scaled]);
  thaw(["export", modelFile, "--to", "tfjs,keras,onnx,safetensors", "--out", folders.pixels, "--with-rescaling"]);
  const model = await readSavedModel(readFileSync(modelFile), "shoes.model.safetensors");
  const pixels = await photosFor(model, 4);
  const pixelFile = join(folder, "photos.bin");
  writeFileSync(pixelFile, pixels);
  const { imageSize } = model.record.spec.model;
  const shape = [pixels.length / (imageSize * imageSize * 3), imageSize, imageSize, 3];
  return { model, pixels, pixelFile, shape, folders, modelFile };
}

/** What a runner of Thaw's own says of the photos, [photos, classes]. */
export async function predictionsOf(
  runner: Runner,
  { model, pixels, shape }: Pick<ProofCase, "model" | "pixels" | "shape">,
): Promise<Float32Array> {
  const config = "imported" in model.record ? undefined : model.record.config;
  const request: PredictRequest = {
    ...(config === undefined ? {} : { config }),
    model: model.record.spec.model,
    classCount: model.record.data.classes.length,
    weights: writeSafetensors(model.weights),
    stepLimitSeconds: 600,
  };
  async function* batches(): AsyncGenerator<PixelBatch> {
    yield { count: shape[0] ?? 0, pixels };
  }
  for await (const event of runner.predict?.(request, batches(), { settings: {} }) ?? []) {
    if (event.type === "batch") return event.probabilities;
  }
  throw new Error(`Runner ${runner.name} gave no predictions.`);
}

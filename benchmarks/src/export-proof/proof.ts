import { readFileSync } from "node:fs";
import { join } from "node:path";
import { predictedClasses, scalePixels, sha256 } from "@thaw/core";
import { createRunner as createNode } from "@thaw/node-runner";
import { createRunner as createReference } from "@thaw/reference-runner";
import { type ProofCase, predictionsOf } from "./proof-case.ts";
import { type ReadRequest, readInPython } from "./python-reader.ts";
import { readWithOnnxWeb, readWithTfjs } from "./script-readers.ts";

/** What Thaw itself says of the photos. */
export interface OwnPredictions {
  /** On libtensorflow, float32. */
  readonly float32: Float32Array;
  /** By the reference in float64. */
  readonly float64: Float32Array;
}

export async function ownPredictions(proof: Pick<ProofCase, "model" | "pixels" | "shape">): Promise<OwnPredictions> {
  return {
    float32: await predictionsOf(createNode("node"), proof),
    float64: await predictionsOf(createReference("reference"), proof),
  };
}

/** How one reader's predictions from one file stand beside Thaw's own. */
export interface ProofRow {
  readonly format: string;
  readonly reader: string;
  /** What went in: `-1…1` or `0…255`. */
  readonly input: string;
  readonly photos: number;
  /** Largest difference of a probability. */
  readonly fromFloat32: number;
  readonly fromFloat64: number;
  /** Photos whose predicted class is the same. */
  readonly sameClass: number;
}

/** Which file of an export to read. */
export type InputKind = keyof ProofCase["folders"];

/** Largest difference of two lists of the same length; infinite for lists of other lengths. */
export function largestDifference(first: Float32Array, second: Float32Array): number {
  if (first.length !== second.length) return Number.POSITIVE_INFINITY;
  return first.reduce((worst, value, index) => Math.max(worst, Math.abs(value - (second[index] ?? Number.NaN))), 0);
}

/** Compares a reader's probabilities with Thaw's own. */
export function proofRow(
  { model, shape }: Pick<ProofCase, "model" | "shape">,
  own: OwnPredictions,
  read: {
    readonly format: string;
    readonly reader: string;
    readonly input: string;
    readonly probabilities: Float32Array;
  },
): ProofRow {
  const { probabilities, ...names } = read;
  const classCount = model.record.data.classes.length;
  const expected = predictedClasses(own.float32, classCount);
  const found = predictedClasses(probabilities, classCount);
  return {
    ...names,
    photos: shape[0] ?? 0,
    fromFloat32: largestDifference(probabilities, own.float32),
    fromFloat64: largestDifference(probabilities, own.float64),
    sameClass: found.filter((label, photo) => label === expected[photo]).length,
  };
}

/** The photos as numbers of this range. */
function imagesFor({ pixels }: ProofCase, kind: InputKind): Float32Array {
  return kind === "pixels" ? Float32Array.from(pixels) : scalePixels(pixels, new Float32Array(pixels.length));
}

export const INPUT_WORDS: Readonly<Record<InputKind, string>> = { scaled: "-1…1", pixels: "0…255" };

function request(proof: ProofCase, reader: ReadRequest["reader"], file: string, kind: InputKind): ReadRequest {
  const { pixelFile, shape, folders } = proof;
  return { reader, file: join(folders[kind], file), pixels: pixelFile, shape, takesPixels: kind === "pixels" };
}

/** What Keras says of a `.keras` archive. */
export interface KerasReading {
  readonly version: string;
  readonly probabilities: readonly (readonly number[])[];
  readonly trainable: Readonly<Record<string, boolean>>;
  /** Of a step of `fit`. */
  readonly loss: number;
  /** Layers with weights that the step moved, and layers whose weights should have moved and did not. */
  readonly moved: readonly string[];
  readonly stayed: readonly string[];
}

/** What ONNX Runtime says of a graph. */
export interface OnnxReading {
  readonly version: string;
  readonly probabilities: readonly (readonly number[])[];
  /** The same, each photo by itself. */
  readonly alone: readonly (readonly number[])[];
  readonly input: readonly [string, readonly (string | number)[]];
  readonly output: readonly [string, readonly (string | number)[]];
}

export function readKeras(proof: ProofCase, kind: InputKind): Promise<KerasReading> {
  return readInPython(request(proof, "with_keras", "model.keras", kind));
}

export function readOnnx(proof: ProofCase, kind: InputKind): Promise<OnnxReading> {
  return readInPython(request(proof, "with_onnx", "model.onnx", kind));
}

export async function tfjsRow(proof: ProofCase, own: OwnPredictions, kind: InputKind): Promise<ProofRow> {
  const reading = await readWithTfjs(join(proof.folders[kind], "tfjs"), imagesFor(proof, kind), proof.shape);
  return proofRow(proof, own, { format: "tfjs", input: INPUT_WORDS[kind], ...reading });
}

export async function onnxWebRow(proof: ProofCase, own: OwnPredictions, kind: InputKind): Promise<ProofRow> {
  const file = join(proof.folders[kind], "model.onnx");
  const reading = await readWithOnnxWeb(file, imagesFor(proof, kind), proof.shape);
  return proofRow(proof, own, { format: "onnx", input: INPUT_WORDS[kind], ...reading });
}

/** A row from what Python read. */
export function pythonRow(
  proof: ProofCase,
  own: OwnPredictions,
  format: string,
  kind: InputKind,
  reading: { readonly version: string; readonly probabilities: readonly (readonly number[])[] },
): ProofRow {
  const probabilities = Float32Array.from(reading.probabilities.flat());
  return proofRow(proof, own, { format, input: INPUT_WORDS[kind], reader: reading.version, probabilities });
}

/** Tensors of the safetensors file as Python reads them: how many are there, and which differ from the model's by a bit. */
export async function safetensorsReading(
  proof: ProofCase,
): Promise<{ readonly version: string; readonly tensors: number; readonly different: readonly string[] }> {
  const file = join(proof.folders.scaled, "model.safetensors");
  const { version, tensors } = await readInPython<{
    version: string;
    tensors: Readonly<Record<string, readonly [string, readonly number[], string]>>;
  }>({ reader: "with_safetensors", file });
  const different: string[] = [];
  for (const [name, { shape, data }] of proof.model.weights) {
    const hash = await sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    const [dtype, found, foundHash] = tensors[name] ?? [];
    if (dtype !== "float32" || found?.join() !== shape.join() || foundHash !== hash) different.push(name);
  }
  const extra = Object.keys(tensors).filter((name) => !proof.model.weights.has(name));
  return { version, tensors: Object.keys(tensors).length, different: [...different, ...extra] };
}

/** The card of an export. */
export function cardOf(proof: ProofCase, kind: InputKind): string {
  return readFileSync(join(proof.folders[kind], "MODEL_CARD.md"), "utf8");
}

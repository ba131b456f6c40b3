import { basename } from "node:path";
import {
  type ArchitectureName,
  type BlobRef,
  type Layer,
  type NamedTensors,
  ThawError,
  type WeightsSource,
  writeSafetensors,
} from "@thaw/core";
import type { DownloadProgress } from "../download.ts";
import { type AssetPlaces, assetMissing, findAsset } from "../resolver.ts";
import type { Store } from "../store.ts";
import { DOGS_HEAD, findDogs160 } from "./dogs-160.ts";
import { findImagenet } from "./imagenet.ts";
import { parseWeights, readWeights, type WeightFormat } from "./read-weights.ts";
import { selectWeights } from "./select-weights.ts";

/** Ids that stand for weights that the project knows. */
export const BUILTIN_WEIGHTS: readonly string[] = ["imagenet", "dogs-160", "random"];

/** What {@link resolveWeights} needs beside the source. */
export interface ResolveWeightsOptions extends AssetPlaces {
  readonly architecture: ArchitectureName;
  readonly alpha: number;
  /** Pixels. */
  readonly imageSize: number;
  /** The table whose weights are wanted. */
  readonly layers: readonly Layer[];
  /** Where the chosen tensors are kept, as safetensors. */
  readonly store: Store;
  /** Told in sentences what is being downloaded, about ten times a file. */
  readonly onProgress?: (note: string) => void;
}

/** Weights that fit a layer table, and where they came from. */
export interface ResolvedWeights {
  /** Exactly the table's weights in table order. */
  readonly tensors: NamedTensors;
  /** The same as safetensors in the store. */
  readonly blob: BlobRef;
  /** What a person reads: the id or path of the spec, and the file that stood for it. */
  readonly source: string;
  readonly format: WeightFormat;
  readonly sha256OfFile: string;
  /** Whether the project knew the file's hash beforehand. */
  readonly pinned: boolean;
}

/** Weights to be drawn by the seed: there is no file. */
export interface RandomWeights {
  readonly tensors: null;
  readonly blob: null;
  readonly source: "random";
  readonly format: null;
  readonly sha256OfFile: null;
  readonly pinned: true;
}

const RANDOM: RandomWeights = {
  tensors: null,
  blob: null,
  source: "random",
  format: null,
  sha256OfFile: null,
  pinned: true,
};

interface Chosen {
  readonly path: string;
  readonly bytes: Uint8Array | null;
  readonly pinned: boolean;
  readonly ignore: readonly string[];
}

/** Turns bytes received into a sentence at each tenth. */
function progressNotes(onProgress: ResolveWeightsOptions["onProgress"]): (progress: DownloadProgress) => void {
  let told = -1;
  return ({ name, receivedBytes, totalBytes }) => {
    const total = totalBytes ?? 10_000_000;
    const tenth = Math.floor((receivedBytes / total) * 10);
    if (tenth === told) return;
    told = tenth;
    const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
    const of = totalBytes === null ? "" : ` of ${megabytes(totalBytes)}`;
    onProgress?.(`downloading ${name}: ${megabytes(receivedBytes)}${of} MB`);
  };
}

/** Keras's line that makes a weight file of an architecture. */
function kerasLine(architecture: ArchitectureName): string {
  if (architecture === "keras") return 'model.save("my.keras")';
  const file = `${architecture.toLowerCase()}.weights.h5`;
  return `keras.applications.${architecture}(include_top=False, pooling="avg").save_weights("${file}")`;
}

/** @throws ThawError `weights-unavailable` for weights that are of MobileNetV2 alone */
function checkPublished(source: string, architecture: ArchitectureName): void {
  if (architecture === "MobileNetV2") return;
  throw new ThawError(
    "weights-unavailable",
    `model.weights: "${source}" are weights of MobileNetV2, and the spec asks for ${architecture}.`,
    { hint: `Make a file with Keras, ${kerasLine(architecture)}, and name it in model.weights; or use "random".` },
  );
}

async function chooseFile(source: WeightsSource, options: ResolveWeightsOptions): Promise<Chosen> {
  const { architecture, alpha, imageSize, layers, env } = options;
  const onProgress = progressNotes(options.onProgress);
  if (source === "imagenet" || source === "dogs-160") checkPublished(source, architecture);
  if (source === "imagenet")
    return { ...(await findImagenet({ alpha, imageSize, layers, env, onProgress })), ignore: [] };
  if (source === "dogs-160") return { ...(await findDogs160({ alpha, env, onProgress })), ignore: [DOGS_HEAD] };
  const { file, ignore } = typeof source === "string" ? { file: source, ignore: [] } : source;
  const { path, looked } = await findAsset(file, options);
  if (path !== null) return { path, bytes: null, pinned: false, ignore };
  throw assetMissing(`The weight file "${file}"`, looked, {
    hint: `Correct the path, put the file at one of these places, or use a built-in id (${BUILTIN_WEIGHTS.join(", ")}).`,
  });
}

/**
 * Turns a spec's `weights` into tensors that fit the layer table, and keeps them in the store.
 * @returns null tensors and blob for `random`
 * @throws ThawError `asset-missing`, `download-failed`, `pip-missing`, `hash-mismatch`, `weights-*` (`weights-unavailable`: not of this architecture), `safetensors-invalid`
 */
export async function resolveWeights(
  source: WeightsSource,
  options: ResolveWeightsOptions,
): Promise<ResolvedWeights | RandomWeights> {
  if (source === "random") return RANDOM;
  const { path, bytes, pinned, ignore } = await chooseFile(source, options);
  const { layers, store } = options;
  const file = bytes === null ? await readWeights(path, layers) : await parseWeights(bytes, path, layers);
  const tensors = selectWeights(file.tensors, layers, { where: basename(path), ignore });
  const named = typeof source === "string" ? source : source.file;
  return {
    tensors,
    blob: await store.put(writeSafetensors(tensors)),
    source: basename(named) === basename(path) ? named : `${named} (${basename(path)})`,
    format: file.format,
    sha256OfFile: file.sha256,
    pinned,
  };
}

/** Where a head's file is looked up and kept. */
export interface ResolveHeadOptions extends AssetPlaces {
  readonly store: Store;
}

/**
 * Reads a head's initial weights, `<head>/kernel` [inputs, units] and `<head>/bias` [units]; other tensors of the file
 * (a golden file has many) are none of its business.
 * @param head the head's row of the layer table
 * @throws ThawError `asset-missing`, `weights-mismatch`, and what reading the file throws
 */
export async function resolveHeadWeights(
  file: string,
  head: Layer,
  options: ResolveHeadOptions,
): Promise<ResolvedWeights> {
  const { path, looked } = await findAsset(file, options);
  if (path === null) throw assetMissing(`The head's weight file "${file}"`, looked);
  const { tensors: all, format, sha256 } = await readWeights(path);
  const tensors = selectWeights(all, [head], { where: basename(path), ignore: ["."] });
  const blob = await options.store.put(writeSafetensors(tensors));
  return { tensors, blob, source: file, format, sha256OfFile: sha256, pinned: false };
}

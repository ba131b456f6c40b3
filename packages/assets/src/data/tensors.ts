import { readFile } from "node:fs/promises";
import {
  type DataSpec,
  type DataWarning,
  type HostTensor,
  type NamedTensors,
  parseSafetensors,
  ThawError,
} from "@thaw/core";
import { resolveFile } from "../resolver.ts";
import { sha256 } from "../sha256.ts";
import { duplicateWarnings } from "./duplicates.ts";
import type { LoadedDataset, LoadOptions } from "./load-options.ts";
import { requireTwoClasses } from "./photo-set.ts";
import { shardWriter } from "./shard-writer.ts";
import { chooseSubset } from "./subset.ts";

export type TensorsSpec = Extract<DataSpec, { kind: "tensors" }>;

const HINT = "Write images as uint8 [n, h, w, 3] and labels as int32 [n] into one safetensors file.";

function tensorOf(
  tensors: NamedTensors,
  name: string,
  dtype: HostTensor["dtype"],
  rank: number,
  file: string,
): HostTensor {
  const tensor = tensors.get(name);
  if (tensor === undefined) {
    const found = tensors.size === 0 ? "none" : [...tensors.keys()].slice(0, 20).join(", ");
    throw new ThawError("tensors-missing", `"${file}" has no tensor "${name}" (found: ${found}).`, { hint: HINT });
  }
  if (tensor.dtype !== dtype || tensor.shape.length !== rank) {
    const found = `${tensor.dtype} [${tensor.shape.join(", ")}]`;
    const expected = rank === 4 ? `${dtype} [n, h, w, 3]` : `${dtype} [n]`;
    throw new ThawError("tensors-shape", `"${name}" in "${file}" is ${found}, expected ${expected}.`, { hint: HINT });
  }
  return tensor;
}

function checkImages({ shape }: HostTensor, imageSize: number, file: string): void {
  const [count = 0, height = 0, width = 0, channels = 0] = shape;
  if (channels !== 3) {
    throw new ThawError("tensors-shape", `"images" in "${file}" has ${channels} channels, expected 3.`, { hint: HINT });
  }
  if (height !== imageSize || width !== imageSize) {
    throw new ThawError(
      "tensors-size",
      `"images" in "${file}" are ${height} x ${width} pixels, but model.imageSize is ${imageSize}.`,
      {
        hint: `Set model.imageSize to the images' size, or write images of ${imageSize} x ${imageSize} pixels; tensors are not resized.`,
      },
    );
  }
  if (count === 0) throw new ThawError("no-images", `"${file}" has no images.`, { hint: HINT });
}

function checkLabels(labels: HostTensor, count: number, classes: readonly string[], file: string): void {
  if (labels.data.length !== count) {
    throw new ThawError("tensors-count", `"${file}" has ${count} images but ${labels.data.length} labels.`, {
      hint: HINT,
    });
  }
  const bad = labels.data.findIndex((label) => label < 0 || label >= classes.length);
  if (bad >= 0) {
    throw new ThawError(
      "label-out-of-range",
      `Label ${bad} in "${file}" is ${labels.data[bad]}, expected 0 to ${classes.length - 1} (data.classes names ${classes.length}).`,
      { hint: "Name every class in data.classes, in the order of the labels.", details: { index: bad } },
    );
  }
}

function missingClasses(source: string, classes: readonly string[], labels: readonly number[]): DataWarning[] {
  const present = new Set(labels);
  const items = classes.filter((_, label) => !present.has(label));
  if (items.length === 0) return [];
  const message = `${items.length} of ${classes.length} classes of "${source}" have no images: ${items.join(", ")}.`;
  return [{ code: "empty-class", message, items }];
}

async function readTensorFile(spec: TensorsSpec, options: LoadOptions): Promise<NamedTensors> {
  const path = await resolveFile(spec.file, options);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ThawError("data-unreadable", `The data file "${spec.file}" cannot be read (${reason}).`, {
      hint: "Check that it is a readable file of less than 2 GiB.",
      cause,
    });
  }
  return parseSafetensors(bytes, spec.file);
}

/**
 * Loads images that are pixels already: a safetensors file with `images` uint8 `[n, size, size, 3]` and `labels` int32
 * `[n]`, other tensors ignored. Ids are the images' indices in the file, hashes those of their pixels. A class of the spec
 * without images keeps its output, with a warning.
 * @throws ThawError `tensors-missing`, `tensors-shape`, `tensors-size`, `tensors-count`, `label-out-of-range`, `no-images`,
 * `one-class`, `limit-too-small`, `data-unreadable`, `safetensors-invalid` and `asset-missing`
 */
export async function loadTensors(spec: TensorsSpec, options: LoadOptions): Promise<LoadedDataset> {
  const { imageSize, store, seed } = options;
  const tensors = await readTensorFile(spec, options);
  const images = tensorOf(tensors, "images", "uint8", 4, spec.file);
  const labels = tensorOf(tensors, "labels", "int32", 1, spec.file);
  checkImages(images, imageSize, spec.file);
  checkLabels(labels, images.shape[0] ?? 0, spec.classes, spec.file);
  requireTwoClasses(spec.file, spec.classes);
  const chosen = chooseSubset([...labels.data], spec.limit, seed);
  const imageBytes = imageSize * imageSize * 3;
  const writer = shardWriter(store, imageBytes, chosen.length);
  const hashes: string[] = [];
  for (const index of chosen) {
    const pixels = images.data.subarray(index * imageBytes, (index + 1) * imageBytes) as Uint8Array;
    hashes.push(sha256(pixels));
    await writer.add(pixels);
  }
  const dataset = {
    source: spec.file,
    classes: spec.classes,
    imageShape: [imageSize, imageSize, 3] as const,
    shards: await writer.finish(),
    labels: chosen.map((index) => labels.data[index] ?? 0),
    ids: chosen.map(String),
    hashes,
    decoding: { decoder: "none" },
  };
  return {
    dataset,
    warnings: [...missingClasses(spec.file, spec.classes, dataset.labels), ...duplicateWarnings(dataset)],
  };
}

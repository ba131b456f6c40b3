import { type Dataset, type DataWarning, ThawError } from "@thaw/core";
import { datasetKey, findDataset, type IndexedDataset, keepDataset } from "./dataset-index.ts";
import type { Decoded } from "./decoder.ts";
import { duplicateWarnings } from "./duplicates.ts";
import type { Unreadable } from "./folder-listing.ts";
import type { LoadedDataset, LoadOptions } from "./load-options.ts";
import { inOrder } from "./pipeline.ts";
import { shardWriter } from "./shard-writer.ts";

/** One labelled image before it is decoded. */
export interface Photo {
  readonly id: string;
  /** Index into the set's classes. */
  readonly label: number;
  /** SHA-256 of its content; empty where that could not be read. */
  readonly sha256: string;
  readonly group?: string;
  /** Why it is known to be unreadable without decoding it. */
  readonly problem?: string;
}

/** Images that are decoded on demand; what every image source turns itself into. */
export interface PhotoSet {
  /** What messages call the set. */
  readonly source: string;
  readonly classes: readonly string[];
  readonly photos: readonly Photo[];
  readonly decoding: Readonly<Record<string, string | number>>;
  readonly skipUnreadable: boolean;
  /** What else lies in a class without images, by class. */
  readonly notes?: ReadonlyMap<string, string>;
  /** Decodes one photo. @throws ThawError for what no skipping may hide */
  decode(photo: Photo): Promise<Decoded>;
}

/** Images decoded at the same time; each may hold a whole photo in memory. */
const PARALLEL = 2;
const NAMED = 20;

function unreadableError(source: string, unreadable: readonly Unreadable[], total: number): ThawError {
  const named = unreadable.slice(0, NAMED).map(({ path, reason }) => `${path} (${reason})`);
  const more = unreadable.length > NAMED ? ` and ${unreadable.length - NAMED} more` : "";
  return new ThawError(
    "images-unreadable",
    `${unreadable.length} of ${total} images of "${source}" cannot be read: ${named.join(", ")}${more}.`,
    {
      hint: "Repair or remove these files, or go on without them with --skip-unreadable (data.skipUnreadable: true).",
      details: { count: unreadable.length, total, unreadable: unreadable.slice(0, NAMED) },
    },
  );
}

/** Turns labels into indices of the classes that have an image. */
function withoutEmptyClasses(
  classes: readonly string[],
  labels: readonly number[],
): { classes: string[]; labels: number[] } {
  const present = [...new Set(labels)].sort((first, second) => first - second);
  const places = new Map(present.map((label, place) => [label, place]));
  return {
    classes: present.flatMap((label) => classes[label] ?? []),
    labels: labels.flatMap((label) => places.get(label) ?? []),
  };
}

/**
 * Checks that there is something to tell apart.
 * @param empty the classes without images, for the message
 * @throws ThawError `no-images`, `one-class`
 */
export function requireTwoClasses(source: string, classes: readonly string[], empty: readonly string[] = []): void {
  if (classes.length >= 2) return;
  const others = empty.length === 0 ? "" : `; no JPEG, PNG or WebP image in ${empty.join(", ")}`;
  const options = {
    hint: "Training needs at least two classes with images: JPEG, PNG or WebP files in a folder per class.",
    details: { classes, empty },
  };
  if (classes.length === 0)
    throw new ThawError("no-images", `"${source}" has no images in any class${others}.`, options);
  throw new ThawError("one-class", `"${source}" has images of one class only, "${classes[0]}"${others}.`, options);
}

async function decodeAll(set: PhotoSet, options: LoadOptions): Promise<IndexedDataset> {
  const { imageSize, store, onProgress } = options;
  const writer = shardWriter(store, imageSize * imageSize * 3, set.photos.length);
  const kept: Photo[] = [];
  const unreadable: Unreadable[] = [];
  let done = 0;
  const decode = async (photo: Photo): Promise<{ photo: Photo; decoded: Decoded }> => ({
    photo,
    decoded: photo.problem === undefined ? await set.decode(photo) : { reason: photo.problem },
  });
  for await (const { photo, decoded } of inOrder(set.photos, PARALLEL, decode)) {
    if ("reason" in decoded) {
      unreadable.push({ path: photo.id, reason: decoded.reason });
    } else {
      kept.push(photo);
      await writer.add(decoded.pixels);
    }
    done += 1;
    onProgress?.({ stage: "decode", done, total: set.photos.length });
  }
  const groups = kept.flatMap(({ group }) => group ?? []);
  return {
    dataset: {
      ...withoutEmptyClasses(
        set.classes,
        kept.map(({ label }) => label),
      ),
      imageShape: [imageSize, imageSize, 3],
      shards: await writer.finish(),
      ids: kept.map(({ id }) => id),
      hashes: kept.map(({ sha256 }) => sha256),
      ...(groups.length === kept.length && kept.length > 0 ? { groups } : {}),
      decoding: set.decoding,
    },
    unreadable,
  };
}

/** The classes that have no image left, each with what else lies there. */
function emptyClasses(set: PhotoSet, present: readonly string[]): string[] {
  return set.classes.filter((name) => !present.includes(name)).map((name) => `${name}${set.notes?.get(name) ?? ""}`);
}

function warningsOf(set: PhotoSet, dataset: Dataset, unreadable: readonly Unreadable[]): DataWarning[] {
  const empty = emptyClasses(set, dataset.classes);
  const warnings: DataWarning[] = [];
  if (unreadable.length > 0) {
    warnings.push({
      code: "unreadable",
      message: `${unreadable.length} of ${set.photos.length} images of "${set.source}" cannot be read and are left out.`,
      items: unreadable.map(({ path, reason }) => `${path} (${reason})`),
    });
  }
  if (empty.length > 0) {
    warnings.push({
      code: "empty-class",
      message: `${empty.length} of ${set.classes.length} classes of "${set.source}" have no images and are left out: ${empty.join(", ")}.`,
      items: empty,
    });
  }
  return [...warnings, ...duplicateWarnings(dataset)];
}

/**
 * Decodes a set into the store, or finds it there: an unchanged set is decoded once.
 * Classes without a readable image are left out with a warning, as long as two remain.
 * @throws ThawError `images-unreadable` (unless they are to be skipped), `no-images`, `one-class`
 */
export async function loadPhotos(set: PhotoSet, options: LoadOptions): Promise<LoadedDataset> {
  const key = datasetKey({
    classes: set.classes,
    photos: set.photos,
    imageSize: options.imageSize,
    decoding: set.decoding,
  });
  const found = await findDataset(key, options);
  const { dataset: content, unreadable } = found ?? (await decodeAll(set, options));
  if (unreadable.length > 0 && !set.skipUnreadable) throw unreadableError(set.source, unreadable, set.photos.length);
  requireTwoClasses(set.source, content.classes, emptyClasses(set, content.classes));
  if (found === undefined) await keepDataset(key, options, { dataset: content, unreadable });
  const dataset = { source: set.source, ...content };
  return { dataset, warnings: warningsOf(set, dataset, unreadable) };
}

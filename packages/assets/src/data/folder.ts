import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type DataSpec, ThawError } from "@thaw/core";
import { findAsset } from "../resolver.ts";
import { sha256 } from "../sha256.ts";
import { compareCodePoints } from "./code-points.ts";
import { type Decoded, decodeImage, decodingOf } from "./decoder.ts";
import { openFileHashes } from "./file-hashes.ts";
import { openProblem, sizeProblem } from "./file-problem.ts";
import { type FolderListing, type ListedFile, listFolder } from "./folder-listing.ts";
import type { LoadedDataset, LoadOptions } from "./load-options.ts";
import { photoSeries } from "./photo-series.ts";
import { loadPhotos, type Photo } from "./photo-set.ts";
import { inOrder } from "./pipeline.ts";
import { chooseSubset } from "./subset.ts";

export type FolderSpec = Extract<DataSpec, { kind: "folder" }>;

/** Files hashed at the same time. */
const PARALLEL = 2;

/** An image of a listing before it is read. */
export interface Candidate {
  /** Its path below the data folder. */
  readonly id: string;
  readonly label: number;
  readonly file?: ListedFile;
  /** Why it is not to be read. */
  readonly problem?: string;
}

/** Every image of a listing, readable or not, in the order of classes and paths. */
export function candidatesOf(listing: FolderListing): Candidate[] {
  return listing.classes.flatMap(({ files, unreadable }, label) => {
    const readable = files.map((file): Candidate => {
      const problem = sizeProblem(file.bytes);
      return { id: file.path, label, file, ...(problem === undefined ? {} : { problem }) };
    });
    const others = unreadable.map(({ path, reason }): Candidate => ({ id: path, label, problem: reason }));
    return [...readable, ...others].sort((first, second) => compareCodePoints(first.id, second.id));
  });
}

/** Adds content hashes; a file that cannot be opened becomes an unreadable photo. */
async function hashPhotos(
  candidates: readonly Candidate[],
  listing: FolderListing,
  options: LoadOptions,
): Promise<Photo[]> {
  const hashes = await openFileHashes(listing.root, options);
  const photos: Photo[] = [];
  const hash = async ({ id, label, file, problem }: Candidate): Promise<Photo> => {
    if (file === undefined || problem !== undefined) return { id, label, sha256: "", problem: problem ?? "no file" };
    try {
      return { id, label, sha256: await hashes.of(file) };
    } catch (error) {
      return { id, label, sha256: "", problem: openProblem(error) };
    }
  };
  for await (const photo of inOrder(candidates, PARALLEL, hash)) {
    photos.push(photo);
    options.onProgress?.({ stage: "hash", done: photos.length, total: candidates.length });
  }
  await hashes.keep(listing.classes.flatMap(({ files }) => files));
  const series = photoSeries(candidates.map(({ id }) => id));
  if (series === undefined) return photos;
  return photos.map((photo, index) => ({ ...photo, group: series[index] ?? "" }));
}

async function decodeFile(root: string, photo: Photo, spec: FolderSpec, imageSize: number): Promise<Decoded> {
  const bytes = await readFile(join(root, photo.id));
  if (sha256(bytes) !== photo.sha256) {
    throw new ThawError("file-changed", `The image "${photo.id}" of "${spec.path}" changed while it was being read.`, {
      hint: "Wait until nothing writes to the data folder, then run again.",
    });
  }
  return decodeImage(bytes, imageSize, spec.resize);
}

/**
 * Loads a folder of class folders. Classes and images are in code-point order of their names, as Keras sorts classes;
 * groups are the folders inside of classes, where there are any.
 * A class without images is left out with a warning, as long as two remain (Keras would keep an output that is never trained).
 * @throws ThawError of `listFolder` and {@link loadPhotos}; `file-changed`, `limit-too-small`
 */
export async function loadFolder(spec: FolderSpec, options: LoadOptions): Promise<LoadedDataset> {
  const { path } = await findAsset(spec.path, options, "folder");
  const listing = await listFolder(path ?? resolve(options.baseDir, spec.path), spec.path);
  const all = candidatesOf(listing);
  const chosen = chooseSubset(
    all.map(({ label }) => label),
    spec.limit,
    options.seed,
  );
  const photos = await hashPhotos(
    chosen.flatMap((index) => all[index] ?? []),
    listing,
    options,
  );
  const set = {
    source: spec.path,
    classes: listing.classes.map(({ name }) => name),
    photos,
    decoding: decodingOf(spec.resize),
    skipUnreadable: spec.skipUnreadable,
    notes: new Map(
      listing.classes.map(({ name, otherFiles }) => [
        name,
        otherFiles.length === 0 ? "" : ` (${otherFiles.length} files of other types)`,
      ]),
    ),
    decode: (photo: Photo) => decodeFile(listing.root, photo, spec, options.imageSize),
  };
  return loadPhotos(set, options);
}

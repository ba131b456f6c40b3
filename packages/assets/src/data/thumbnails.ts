import { type Dataset, type Spec, serializeError } from "@thaw/core";
import sharp from "sharp";
import { cacheFolder, type Environment } from "../cache-folder.ts";
import { openStore, type Store } from "../store.ts";
import { loadDataset } from "./load-dataset.ts";

/** Small pictures of a dataset's images, and why others are missing, by image id. */
export interface Thumbnails {
  /** JPEG files. */
  readonly images: ReadonlyMap<string, Uint8Array>;
  readonly missing: ReadonlyMap<string, string>;
}

/** Where the data of a spec may lie. */
export interface ThumbnailPlaces {
  /** Folders that relative paths may start from, the likeliest first. */
  readonly baseDirs: readonly string[];
  readonly env?: Environment;
}

const SIDE = 128;
const QUALITY = 80;

/** Finds a spec's images without asking the network: a report shows what is there. */
async function findImages(
  spec: Spec,
  { baseDirs, env = process.env }: ThumbnailPlaces,
  store: Store,
): Promise<Dataset> {
  let first: unknown;
  for (const baseDir of baseDirs) {
    try {
      const options = { imageSize: spec.model.imageSize, seed: spec.seed, baseDir, store };
      const places = { env: { ...env, THAW_OFFLINE: "1" }, cacheDir: cacheFolder(env) };
      return (await loadDataset(spec.data, { ...options, ...places })).dataset;
    } catch (error) {
      first ??= error;
    }
  }
  throw first;
}

/** Pixels of images, uint8 `[height, width, 3]` each, shard by shard: each is read and checked once. */
async function* pixelsOf(
  { shards, imageShape }: Dataset,
  indices: readonly number[],
  store: Store,
): AsyncGenerator<readonly [index: number, pixels: Uint8Array]> {
  const bytes = imageShape.reduce((product, side) => product * side, 1);
  let start = 0;
  for (const shard of shards) {
    const end = start + shard.count;
    const inside = indices.filter((index) => index >= start && index < end);
    if (inside.length > 0) {
      const images = await store.read(shard);
      for (const index of inside) yield [index, images.subarray((index - start) * bytes, (index - start + 1) * bytes)];
    }
    start = end;
  }
}

/**
 * Makes small pictures of images as the network sees them: decoded and scaled to its input. What cannot be found is told,
 * not thrown.
 * @param ids images by their names in the dataset
 */
export async function makeThumbnails(spec: Spec, ids: readonly string[], places: ThumbnailPlaces): Promise<Thumbnails> {
  const images = new Map<string, Uint8Array>();
  const missing = new Map<string, string>();
  const store = openStore(cacheFolder(places.env ?? process.env));
  try {
    const dataset = await findImages(spec, places, store);
    const [height, width] = dataset.imageShape;
    const indices = ids.map((id) => dataset.ids.indexOf(id));
    for (const [place, id] of ids.entries()) {
      if ((indices[place] ?? -1) < 0) missing.set(id, `"${dataset.source}" no longer has it`);
    }
    for await (const [index, pixels] of pixelsOf(dataset, indices, store)) {
      const image = sharp(pixels, { raw: { width, height, channels: 3 } });
      images.set(
        dataset.ids[index] ?? "",
        await image.resize(SIDE, SIDE, { withoutEnlargement: true }).jpeg({ quality: QUALITY }).toBuffer(),
      );
    }
  } catch (error) {
    const { message } = serializeError(error);
    for (const id of ids) if (!images.has(id)) missing.set(id, message);
  }
  return { images, missing };
}

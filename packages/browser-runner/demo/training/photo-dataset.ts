import { type Dataset, sha256, ThawError } from "@thaw/core";
import type { Photo, PhotoClass } from "../photos/photo-class.ts";
import type { PhotoLink } from "../photos/photo-link.ts";
import { PHOTOS_FILE, type Settings } from "./settings.ts";

/** The photos of a run, decoded. */
export interface PhotoDataset {
  readonly dataset: Dataset;
  /** In the dataset's order. */
  readonly photos: readonly Photo[];
  /** uint8 [photos, imageSize, imageSize, 3] */
  readonly pixels: Uint8Array;
}

/** @throws ThawError `too-few-photos` */
function requireEnough(classes: readonly PhotoClass[]): void {
  const hint = "Two classes or more, each with two photos or more: one of each class is held out to validate with.";
  if (classes.length < 2) throw new ThawError("too-few-photos", "There are fewer than two classes.", { hint });
  const short = classes.find(({ photos }) => photos.length < 2);
  if (short === undefined) return;
  const count = short.photos.length === 0 ? "no photo" : "one photo only";
  throw new ThawError("too-few-photos", `The class ${short.name} has ${count}.`, { hint });
}

/**
 * Decodes the photos of all classes.
 * @throws ThawError `too-few-photos`, `photo-unreadable`
 */
export async function photoDataset(
  classes: readonly PhotoClass[],
  { imageSize, square }: Pick<Settings, "imageSize" | "square">,
  link: PhotoLink,
  onProgress: (done: number, total: number) => void,
): Promise<PhotoDataset> {
  requireEnough(classes);
  const photos = classes.flatMap(({ photos: members }) => members);
  const files = photos.map(({ file }) => file);
  const pixels = await link.pixels(files, imageSize, square, (done) => onProgress(done, files.length));
  const dataset: Dataset = {
    source: PHOTOS_FILE,
    classes: classes.map(({ name }) => name),
    imageShape: [imageSize, imageSize, 3],
    shards: [{ sha256: await sha256(pixels), bytes: pixels.byteLength, count: photos.length }],
    labels: classes.flatMap(({ photos: members }, label) => members.map(() => label)),
    ids: classes.flatMap(({ name, photos: members }) => members.map(({ file }) => `${name}/${file.name}`)),
    hashes: photos.map(({ sha256: hash }) => hash),
    decoding: { decoder: navigator.userAgent, resize: square, kernel: "canvas, high quality" },
  };
  return { dataset, photos, pixels };
}

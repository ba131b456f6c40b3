import { readFile } from "node:fs/promises";
import { type DataSpec, ThawError } from "@thaw/core";
import sharp from "sharp";
import { sha256 } from "../sha256.ts";
import { decodeGrey, decodingOf } from "./decoder.ts";
import type { LoadedDataset, LoadOptions } from "./load-options.ts";
import { loadPhotos, type Photo } from "./photo-set.ts";
import { chooseSubset } from "./subset.ts";

/** The sidecar of the sprite sheet, as `scripts/build-fashion-shoes.mjs` writes it. */
interface Manifest {
  readonly classes: readonly string[];
  /** Pixels of a side of each square image. */
  readonly side: number;
  readonly columns: number;
  readonly pixelsSha256: string;
  readonly ids: readonly string[];
  readonly labels: readonly number[];
}

const DATA = new URL("../../data/", import.meta.url);

/** Cuts one image out of the sheet; uint8 `[side, side]`. */
function cutImage(sheet: Uint8Array, { side, columns }: Manifest, index: number): Uint8Array {
  const pixels = new Uint8Array(side * side);
  const width = columns * side;
  const start = Math.floor(index / columns) * side * width + (index % columns) * side;
  for (let row = 0; row < side; row += 1) {
    pixels.set(sheet.subarray(start + row * width, start + row * width + side), row * side);
  }
  return pixels;
}

/** Reads the sheet, uint8 `[rows * side, columns * side]`. @throws ThawError `builtin-damaged` */
async function readSheet({ pixelsSha256 }: Manifest): Promise<Uint8Array> {
  const sheet = await sharp(await readFile(new URL("fashion-shoes.png", DATA)))
    .extractChannel(0)
    .raw()
    .toBuffer();
  if (sha256(sheet) !== pixelsSha256) {
    throw new ThawError(
      "builtin-damaged",
      "The built-in set fashion-shoes.png is not the one that fashion-shoes.json describes.",
      {
        hint: "Restore both files of packages/assets/data from the repository, or run scripts/build-fashion-shoes.mjs.",
      },
    );
  }
  return sheet;
}

/**
 * Loads the embedded set: 1,440 sandals, sneakers and ankle boots of Fashion-MNIST, 28 x 28 grey, turned into RGB and
 * enlarged bilinearly. In the original order, classes mixed; ids such as `train/00012` and `test/00007` name the original
 * file and the index in it, hashes are those of the 28 x 28 pixels.
 * @throws ThawError `builtin-damaged`, `limit-too-small`
 * @see https://github.com/zalandoresearch/fashion-mnist (Expat licence)
 */
export async function loadFashionShoes(
  spec: Extract<DataSpec, { kind: "builtin" }>,
  options: LoadOptions,
): Promise<LoadedDataset> {
  const manifest = JSON.parse(await readFile(new URL("fashion-shoes.json", DATA), "utf8")) as Manifest;
  const sheet = await readSheet(manifest);
  const images = new Map<string, Uint8Array>();
  const photos = chooseSubset(manifest.labels, spec.limit, options.seed).map((index): Photo => {
    const id = manifest.ids[index] ?? "";
    const pixels = cutImage(sheet, manifest, index);
    images.set(id, pixels);
    return { id, label: manifest.labels[index] ?? 0, sha256: sha256(pixels) };
  });
  const set = {
    source: spec.name,
    classes: manifest.classes,
    photos,
    decoding: decodingOf(spec.resize),
    skipUnreadable: false,
    decode: (photo: Photo) =>
      decodeGrey(images.get(photo.id) ?? new Uint8Array(), manifest.side, options.imageSize, spec.resize),
  };
  return loadPhotos(set, options);
}

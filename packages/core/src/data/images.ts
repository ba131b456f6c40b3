import { ThawError } from "../error.ts";
import type { Preprocessing } from "../model/layer.ts";
import { sha256 } from "../spec/hash.ts";
import type { BlobReader, BlobRef, Dataset } from "./dataset.ts";
import { preprocessPixels } from "./preprocessing.ts";
import type { RandomStream } from "./random.ts";

/** Random changes to a training image. */
export interface Augmentation {
  readonly horizontalFlip: boolean;
  /** Pixels. */
  readonly maxShift: number;
}

/** What augmentation does to one image. */
export interface ImageChange {
  readonly flip: boolean;
  /** Pixels. */
  readonly shiftX: number;
  readonly shiftY: number;
}

/** Draws a change for each of `count` images. */
export function drawChanges(
  count: number,
  { horizontalFlip, maxShift }: Augmentation,
  random: RandomStream,
): readonly ImageChange[] {
  const shift = (): number => (maxShift === 0 ? 0 : random.below(2 * maxShift + 1) - maxShift);
  return Array.from({ length: count }, () => {
    const flip = horizontalFlip && random.below(2) === 1;
    return { flip, shiftX: shift(), shiftY: shift() };
  });
}

/** Bytes of pixels up to which a set is kept in memory where it could be read from a disk. */
export const PIXELS_IN_MEMORY = 512 * 2 ** 20;

/** One image: where it lies in memory, or in a blob that is open. */
type StoredImage = Uint8Array | { readonly reader: BlobReader; readonly offset: number };

/** All images of a set. */
export interface ImageStore {
  /**
   * Assembles a batch.
   * @param indices image numbers
   * @param random where given, each image is changed at random
   * @returns float32 [batch, height, width, 3], preprocessed
   */
  batch(indices: readonly number[], augmentation?: Augmentation, random?: RandomStream): Float32Array;
  /** Assembles a batch in which each image is changed as it is said, or left as it is. */
  changed(indices: readonly number[], changes: readonly (ImageChange | undefined)[]): Float32Array;
  /**
   * The same as pixels, 0…255.
   * @param into takes the result: as many bytes as the batch has
   */
  pixels(
    indices: readonly number[],
    changes: readonly (ImageChange | undefined)[] | undefined,
    into: Uint8Array,
  ): Uint8Array;
  readonly imageShape: readonly [number, number, number];
  /** Closes the blobs that are read from a disk. */
  close(): void;
}

/** Reads a blob and checks size and hash: rung L0 of the parity ladder. */
export async function readVerified(ref: BlobRef, read: (ref: BlobRef) => Promise<Uint8Array>): Promise<Uint8Array> {
  const bytes = await read(ref);
  const found = await sha256(bytes);
  if (found !== ref.sha256) {
    throw new ThawError("blob-corrupt", `A data blob has SHA-256 ${found}, expected ${ref.sha256}.`, {
      hint: "Remove it from the cache folder; it is made anew on the next run.",
    });
  }
  return bytes;
}

function copyAugmented(
  image: Uint8Array,
  target: Uint8Array,
  [height, width, channels]: readonly [number, number, number],
  change: ImageChange,
): void {
  let out = 0;
  for (let y = 0; y < height; y += 1) {
    const fromY = Math.min(Math.max(y + change.shiftY, 0), height - 1);
    for (let x = 0; x < width; x += 1) {
      const mirrored = change.flip ? width - 1 - x : x;
      const fromX = Math.min(Math.max(mirrored + change.shiftX, 0), width - 1);
      const start = (fromY * width + fromX) * channels;
      for (let channel = 0; channel < channels; channel += 1) {
        target[out] = image[start + channel] ?? 0;
        out += 1;
      }
    }
  }
}

/**
 * Loads every shard of a dataset, verified. A set of more than {@link PIXELS_IN_MEMORY} stays on the disk where it can be
 * opened there; each image is then read when it is asked for, and the machine keeps in memory what there is room for.
 * @param preprocessing what batches are made for: that of the network
 * @param open opens a blob
 * @param inMemory instead of {@link PIXELS_IN_MEMORY}
 */
export async function loadImages(
  dataset: Dataset,
  preprocessing: Preprocessing,
  read: (ref: BlobRef) => Promise<Uint8Array>,
  open?: (ref: BlobRef) => Promise<BlobReader>,
  inMemory: number = PIXELS_IN_MEMORY,
): Promise<ImageStore> {
  const { imageShape } = dataset;
  const imageBytes = imageShape[0] * imageShape[1] * imageShape[2];
  const images: StoredImage[] = [];
  const readers: BlobReader[] = [];
  const staysOnDisk = dataset.shards.reduce((sum, { bytes }) => sum + bytes, 0) > inMemory;
  const changing = new Uint8Array(imageBytes);
  for (const shard of dataset.shards) {
    const bytes = await readVerified(shard, read);
    if (bytes.byteLength !== shard.count * imageBytes) {
      throw new ThawError("blob-corrupt", `A shard of ${shard.count} images has ${bytes.byteLength} bytes.`);
    }
    const reader = staysOnDisk ? await open?.(shard) : undefined;
    if (reader !== undefined) readers.push(reader);
    for (let index = 0; index < shard.count; index += 1) {
      const offset = index * imageBytes;
      images.push(reader === undefined ? bytes.subarray(offset, offset + imageBytes) : { reader, offset });
    }
  }

  function pixelsOf(index: number, into: Uint8Array): Uint8Array {
    const image = images[index];
    if (image === undefined) throw new ThawError("internal", `There is no image ${index}.`);
    if (image instanceof Uint8Array) into.set(image);
    else image.reader.readInto(image.offset, into);
    return into;
  }

  function pixels(
    indices: readonly number[],
    changes: readonly (ImageChange | undefined)[] | undefined,
    into: Uint8Array,
  ): Uint8Array {
    for (const [position, index] of indices.entries()) {
      const target = into.subarray(position * imageBytes, (position + 1) * imageBytes);
      const change = changes?.[position];
      if (change !== undefined && (change.flip || change.shiftX !== 0 || change.shiftY !== 0)) {
        copyAugmented(pixelsOf(index, changing), target, imageShape, change);
      } else {
        pixelsOf(index, target);
      }
    }
    return into;
  }

  function changed(indices: readonly number[], changes?: readonly (ImageChange | undefined)[]): Float32Array {
    const size = indices.length * imageBytes;
    return preprocessPixels(preprocessing, pixels(indices, changes, new Uint8Array(size)), new Float32Array(size));
  }

  return {
    imageShape,
    batch: (indices, augmentation, random) =>
      augmentation === undefined || random === undefined
        ? changed(indices)
        : changed(indices, drawChanges(indices.length, augmentation, random)),
    changed,
    pixels,
    close() {
      for (const reader of readers) reader.close();
    },
  };
}

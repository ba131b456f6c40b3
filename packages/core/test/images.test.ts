import { describe, expect, it } from "vitest";
import type { BlobReader, BlobRef, Dataset } from "../src/data/dataset.ts";
import { type ImageStore, loadImages } from "../src/data/images.ts";
import { type RandomStream, randomStream } from "../src/data/random.ts";
import { sha256 } from "../src/spec/hash.ts";
import { failureOf } from "./failure.ts";
import { readGolden } from "./golden.ts";

const [HEIGHT, WIDTH] = [5, 7];
const IMAGE_BYTES = HEIGHT * WIDTH * 3;
const keras = readGolden<{ pixels: readonly number[] }>("keras-data").pixels;

/** `count` images of random pixels in shards of two. */
async function store(count: number): Promise<{ images: ImageStore; pixels: Uint8Array; dataset: Dataset }> {
  const random = randomStream(5, "pixels");
  const pixels = Uint8Array.from({ length: count * IMAGE_BYTES }, () => random.below(256));
  const blobs = new Map<string, Uint8Array>();
  const shards = [];
  for (let start = 0; start < count; start += 2) {
    // A Node Buffer that is a window into a larger one, as readFile gives for small files.
    const bytes = Buffer.from(pixels).subarray(start * IMAGE_BYTES, Math.min(start + 2, count) * IMAGE_BYTES);
    const hash = await sha256(bytes);
    blobs.set(hash, bytes);
    shards.push({ sha256: hash, bytes: bytes.byteLength, count: bytes.byteLength / IMAGE_BYTES });
  }
  const list = new Array<string>(count).fill("x");
  const rest = { labels: list.map(() => 0), ids: list, hashes: list, decoding: {} };
  const dataset: Dataset = { source: "the test", classes: ["a"], imageShape: [HEIGHT, WIDTH, 3], shards, ...rest };
  const read = async (ref: BlobRef): Promise<Uint8Array> => blobs.get(ref.sha256) ?? new Uint8Array();
  return { images: await loadImages(dataset, "tf", read), pixels, dataset };
}

/** Blobs on a disk that is an array; tells how many are open. */
function disk(pixels: Uint8Array): { open: (ref: BlobRef) => Promise<BlobReader>; opened: () => number } {
  let opened = 0;
  let start = 0;
  return {
    async open({ bytes }) {
      const blob = pixels.subarray(start, start + bytes);
      start += bytes;
      opened += 1;
      return {
        readInto: (offset, into) => into.set(blob.subarray(offset, offset + into.length)),
        close: () => {
          opened -= 1;
        },
      };
    },
    opened: () => opened,
  };
}

/** One pixel by the definition: shifted first, mirrored first of all, edges repeated. */
function naive(
  image: Uint8Array,
  change: { flip: boolean; shiftX: number; shiftY: number },
): readonly (number | undefined)[] {
  const clamp = (value: number, size: number): number => (value < 0 ? 0 : value >= size ? size - 1 : value);
  const pixel = (y: number, x: number, channel: number): number | undefined => {
    const [fromY, fromX] = [
      clamp(y + change.shiftY, HEIGHT),
      clamp((change.flip ? WIDTH - 1 - x : x) + change.shiftX, WIDTH),
    ];
    return keras[image[fromY * WIDTH * 3 + fromX * 3 + channel] ?? -1];
  };
  return Array.from({ length: IMAGE_BYTES }, (_, index) =>
    pixel(Math.floor(index / 3 / WIDTH), Math.floor(index / 3) % WIDTH, index % 3),
  );
}

/** A stream that gives the wanted numbers, in order. */
function scripted(values: readonly number[]): RandomStream & { readonly asked: number[] } {
  const asked: number[] = [];
  return {
    ...randomStream(0, "unused"),
    asked,
    below(n) {
      asked.push(n);
      const value = values[asked.length - 1] ?? Number.NaN;
      if (!(value < n)) throw new Error(`The script has ${value} where a number below ${n} is asked for.`);
      return value;
    },
  };
}

describe("batch", () => {
  it("scales each of the 256 values as Keras does, to the bit", async () => {
    const { images, pixels } = await store(20);
    const batch = images.batch(Array.from({ length: 20 }, (_, index) => index));
    expect(new Set(pixels).size).toBe(256);
    expect(Array.from(batch)).toEqual(Array.from(pixels, (pixel) => keras[pixel]));
    const formula = Array.from(pixels, (pixel) => Math.fround(Math.fround(pixel / 127.5) - 1));
    expect(Array.from(batch)).toEqual(formula);
  });

  it("takes images in the order that is asked for, across shards, twice too", async () => {
    const { images, pixels } = await store(5);
    const image = (index: number): readonly (number | undefined)[] =>
      Array.from(pixels.subarray(index * IMAGE_BYTES, (index + 1) * IMAGE_BYTES), (pixel) => keras[pixel]);
    expect(Array.from(images.batch([4, 0, 3, 0]))).toEqual([4, 0, 3, 0].flatMap(image));
    expect(images.batch([])).toHaveLength(0);
  });

  it("names an image that there is not", async () => {
    const { images } = await store(2);
    expect((await failureOf(() => images.batch([2]))).message).toBe("There is no image 2.");
  });
});

describe("augmentation", () => {
  const shifts = [-6, -3, -1, 0, 1, 3, 6]; // beyond the height too

  it.each([false, true])("is that of a plain loop for every shift (flip %s)", async (flip) => {
    const { images, pixels } = await store(1);
    for (const shiftX of shifts) {
      for (const shiftY of shifts) {
        const random = scripted([Number(flip), shiftX + 6, shiftY + 6]);
        const batch = images.batch([0], { horizontalFlip: true, maxShift: 6 }, random);
        expect(Array.from(batch), `shift ${shiftX}, ${shiftY}`).toEqual(naive(pixels, { flip, shiftX, shiftY }));
        expect(random.asked).toEqual([2, 13, 13]);
      }
    }
  });

  it("draws for each image anew, and only what is switched on", async () => {
    const { images, pixels } = await store(2);
    const flips = scripted([1, 0]);
    const flipped = images.batch([0, 1], { horizontalFlip: true, maxShift: 0 }, flips);
    const [first, second] = [pixels.subarray(0, IMAGE_BYTES), pixels.subarray(IMAGE_BYTES)];
    const still = { flip: false, shiftX: 0, shiftY: 0 };
    expect(Array.from(flipped)).toEqual([...naive(first, { ...still, flip: true }), ...naive(second, still)]);
    expect(flips.asked).toEqual([2, 2]);
    const moves = scripted([0, 2]);
    expect(Array.from(images.batch([0], { horizontalFlip: false, maxShift: 1 }, moves))).toEqual(
      naive(first, { flip: false, shiftX: -1, shiftY: 1 }),
    );
    expect(moves.asked).toEqual([3, 3]);
  });

  it("is deterministic for a seed and reaches every change", async () => {
    const { images } = await store(1);
    const batch = (seed: number): Float32Array =>
      images.batch(
        new Array<number>(200).fill(0),
        { horizontalFlip: true, maxShift: 1 },
        randomStream(seed, "augment/1"),
      );
    expect(batch(1)).toEqual(batch(1));
    expect(batch(1)).not.toEqual(batch(2));
    const seen = new Set(
      Array.from({ length: 200 }, (_, index) =>
        batch(1)
          .subarray(index * IMAGE_BYTES, (index + 1) * IMAGE_BYTES)
          .join(),
      ),
    );
    expect(seen.size).toBe(18); // 2 flips × 3 × 3 shifts
  });
});

describe("loadImages", () => {
  it("leaves a large set on the disk: the same pixels, changed or not, and closes it", async () => {
    const { images, pixels, dataset } = await store(5);
    const { open, opened } = disk(pixels);
    const read = async ({ sha256: hash }: BlobRef): Promise<Uint8Array> => {
      const at = dataset.shards.findIndex((shard) => shard.sha256 === hash);
      return pixels.subarray(2 * at * IMAGE_BYTES, Math.min(2 * at + 2, 5) * IMAGE_BYTES);
    };
    const small = await loadImages(dataset, "tf", read, open);
    expect(opened()).toBe(0);
    const large = await loadImages(dataset, "tf", read, open, 5 * IMAGE_BYTES - 1);
    expect(opened()).toBe(3);
    const changes = [undefined, { flip: true, shiftX: 1, shiftY: -1 }, { flip: false, shiftX: 0, shiftY: 2 }];
    for (const found of [small, large])
      expect(found.changed([4, 0, 3], changes)).toEqual(images.changed([4, 0, 3], changes));
    large.close();
    expect(opened()).toBe(0);
  });

  it("refuses a blob whose hash is another", async () => {
    const { dataset } = await store(2);
    const error = await failureOf(() => loadImages(dataset, "tf", async () => new Uint8Array(2 * IMAGE_BYTES)));
    expect(error.code).toBe("blob-corrupt");
    expect(error.message).toContain(`expected ${dataset.shards[0]?.sha256}`);
  });

  it("refuses a shard of another length", async () => {
    const { dataset } = await store(2);
    const bytes = new Uint8Array(IMAGE_BYTES);
    const shards = [{ sha256: await sha256(bytes), bytes: bytes.byteLength, count: 2 }];
    const error = await failureOf(() => loadImages({ ...dataset, shards }, "tf", async () => bytes));
    expect([error.code, error.message]).toEqual(["blob-corrupt", "A shard of 2 images has 105 bytes."]);
  });
});

import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { decodeImage } from "../src/data/decoder.ts";
import { type Comparable, NEAR_BITS, nearDuplicates, PAIRS_NAMED } from "../src/data/near-duplicates.ts";
import { differingBits, type PerceptualHash, perceptualHash } from "../src/data/perceptual-hash.ts";
import { SHOES, shoePhotos } from "./fixtures/data/shoe-photos.ts";

async function hashOf(bytes: Uint8Array): Promise<PerceptualHash> {
  const decoded = await decodeImage(bytes, 160, "stretch");
  if ("reason" in decoded) throw new Error(decoded.reason);
  return perceptualHash(decoded.pixels, 160);
}

function comparable(hash: PerceptualHash, label = 0, sha256 = `${hash}`): Comparable {
  return { label, sha256, hash };
}

describe("bits in which two hashes differ", () => {
  it.each([
    [[0, 0], [0, 0], 0],
    [[0, 0], [0xffffffff, 0xffffffff], 64],
    [[0x80000000, 1], [0, 0], 2],
    [[0xf0f0f0f0, 0x0f0f0f0f], [0x0f0f0f0f, 0x0f0f0f0f], 32],
  ] as const)("of %j and %j are %i", (first, second, bits) => {
    expect(differingBits(first, second)).toBe(bits);
    expect(differingBits(second, first)).toBe(bits);
  });
});

describe("near-duplicates", () => {
  it("are pairs within the bound, those across classes first, then the closest; equal files are none", () => {
    const images = [
      comparable([0, 0]),
      comparable([0, 0b111]),
      comparable([0, 0b1], 1),
      comparable([0xffffffff, 0]),
      comparable([0, 0], 0, "0,0"),
    ];
    const pair = (first: number, second: number, bits: number, acrossClasses = false) => ({
      first,
      second,
      bits,
      acrossClasses,
    });
    expect(nearDuplicates(images, 2)).toEqual({
      pairs: [pair(0, 2, 1, true), pair(2, 4, 1, true), pair(1, 2, 2, true)],
      withinClasses: 0,
      acrossClasses: 3,
    });
    expect(nearDuplicates(images, 3).pairs.slice(3)).toEqual([pair(0, 1, 3), pair(1, 4, 3)]);
    expect(nearDuplicates(images, 0).pairs).toEqual([]);
  });

  it("are counted to the last, and named up to a bound, where everything looks the same", () => {
    const images = Array.from({ length: 100 }, (_, index) => comparable([0, 0], 0, `${index}`));
    const { pairs, withinClasses } = nearDuplicates(images, NEAR_BITS);
    expect([pairs.length, withinClasses]).toEqual([PAIRS_NAMED, 4950]);
  });
});

describe.skipIf(SHOES === undefined)("the perceptual hash of real photos (needs THAW_ASSETS)", () => {
  it("stays within the bound when a photo is re-encoded, scaled, turned grey or brightened", async () => {
    for (const photo of await shoePhotos("boots", 6)) {
      const hash = await hashOf(photo);
      const { width = 0 } = await sharp(photo).metadata();
      const versions = {
        quality: sharp(photo).jpeg({ quality: 30 }),
        smaller: sharp(photo)
          .resize(Math.round(width / 3))
          .jpeg({ quality: 70 }),
        webp: sharp(photo).webp({ quality: 40 }),
        png: sharp(photo).png(),
        grey: sharp(photo).greyscale().jpeg(),
      };
      for (const [name, version] of Object.entries(versions)) {
        expect(differingBits(hash, await hashOf(await version.toBuffer())), name).toBeLessThanOrEqual(NEAR_BITS);
      }
    }
  });

  it("moves by up to the bound, and not by more, when photos become much smaller", async () => {
    const moved: number[] = [];
    for (const name of ["ballet_flats", "flip_flops", "loafers", "sandals"]) {
      for (const photo of await shoePhotos(name, 12)) {
        const { width = 0 } = await sharp(photo).metadata();
        const smaller = sharp(photo).resize(Math.round(width / 3));
        const third = await smaller.jpeg({ quality: 70 }).toBuffer();
        moved.push(differingBits(await hashOf(photo), await hashOf(third)));
      }
    }
    expect(Math.max(...moved)).toBeGreaterThan(NEAR_BITS / 2);
    expect(Math.max(...moved)).toBeLessThanOrEqual(NEAR_BITS);
  });

  it("is another one for a mirrored photo and for other photos", async () => {
    const photos = await shoePhotos("sneakers", 12);
    const hashes = await Promise.all(photos.map(hashOf));
    for (const [index, photo] of photos.entries()) {
      const mirrored = await hashOf(await sharp(photo).flop().jpeg().toBuffer());
      expect(differingBits(hashes[index] ?? [0, 0], mirrored)).toBeGreaterThan(16);
    }
    const images = hashes.map((hash) => comparable(hash));
    expect(nearDuplicates(images, NEAR_BITS).pairs).toEqual([]);
  });
});

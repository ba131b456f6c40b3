import phash from "sharp-phash";

/** The 64 bits of an image's perceptual hash, as two unsigned integers of 32 bits. */
export type PerceptualHash = readonly [high: number, low: number];

/** Its types promise `.default`, but what a CommonJS module of sharp-phash 2.2 exports is the function itself. */
const hashPixels = phash as unknown as typeof phash.default;

/**
 * Hashes what an image looks like: the signs of its 64 lowest frequencies in grey, 32 px a side. Re-encoding and scaling
 * change a few bits, a crop of 5 % about ten; a mirrored image has another hash (half of the bits change).
 * @param pixels uint8 `[side, side, 3]`
 */
export async function perceptualHash(pixels: Uint8Array, side: number): Promise<PerceptualHash> {
  const bits = await hashPixels(Buffer.from(pixels.buffer, pixels.byteOffset, pixels.byteLength), {
    raw: { width: side, height: side, channels: 3 },
  });
  return [Number.parseInt(bits.slice(0, 32), 2), Number.parseInt(bits.slice(32), 2)];
}

/** Ones in an integer of 32 bits, counted in parallel. */
function ones(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Bits in which two hashes differ, 0 to 64. */
export function differingBits(first: PerceptualHash, second: PerceptualHash): number {
  return ones(first[0] ^ second[0]) + ones(first[1] ^ second[1]);
}

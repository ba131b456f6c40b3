import { differingBits, type PerceptualHash } from "./perceptual-hash.ts";

/**
 * Hashes that differ in so many of 64 bits or fewer count as the same picture. Of 116 shoe photos, re-encoded at JPEG
 * quality 30 or WebP 40 and scaled to a half or a third, none moved by more than 5 bits; of the 59,685 pairs of 346 different
 * photos none is closer than 9. In between, the lower value is for larger sets, which have more pairs to be close by chance.
 */
export const NEAR_BITS = 6;

/** What two images are compared by. */
export interface Comparable {
  readonly label: number;
  readonly sha256: string;
  readonly hash: PerceptualHash;
}

/** Two images that look the same; files that are the same, byte for byte, are no such pair. */
export interface NearPair {
  /** Places in the list of images, `first` below `second`. */
  readonly first: number;
  readonly second: number;
  /** Bits of 64 in which their hashes differ. */
  readonly bits: number;
  /** Whether they lie under two classes. */
  readonly acrossClasses: boolean;
}

/** The pairs found. */
export interface NearDuplicates {
  /** Those across classes first, then the closest; at most `PAIRS_NAMED` of either kind. */
  readonly pairs: readonly NearPair[];
  readonly withinClasses: number;
  readonly acrossClasses: number;
}

/** Pairs that are kept of each kind; the others are counted: n images that all look alike are n²/2 pairs. */
export const PAIRS_NAMED = 1000;

/**
 * Compares every image with every other, which for 10,000 of them takes about a second.
 * @param bits how many of 64 may differ
 */
export function nearDuplicates(images: readonly Comparable[], bits: number): NearDuplicates {
  const within: NearPair[] = [];
  const across: NearPair[] = [];
  const counts = { withinClasses: 0, acrossClasses: 0 };
  const add = (first: number, second: number, differ: number): void => {
    if (images[first]?.sha256 === images[second]?.sha256) return;
    const acrossClasses = images[first]?.label !== images[second]?.label;
    const pairs = acrossClasses ? across : within;
    counts[acrossClasses ? "acrossClasses" : "withinClasses"] += 1;
    if (pairs.length < PAIRS_NAMED) pairs.push({ first, second, bits: differ, acrossClasses });
  };
  for (const [second, { hash }] of images.entries()) {
    for (let first = 0; first < second; first += 1) {
      const differ = differingBits((images[first] as Comparable).hash, hash);
      if (differ <= bits) add(first, second, differ);
    }
  }
  const closest = (a: NearPair, b: NearPair): number => a.bits - b.bits || a.first - b.first || a.second - b.second;
  return { pairs: [...across.sort(closest), ...within.sort(closest)], ...counts };
}

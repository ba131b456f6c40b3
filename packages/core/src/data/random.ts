/** Where a stream stands: the four words of xoshiro128**, each 0 .. 2^32 - 1. */
export type RandomState = readonly [number, number, number, number];

/** A deterministic stream of pseudo-random numbers; not for secrets. */
export interface RandomStream {
  /** An integer in 0 .. 2^32 - 1. */
  nextUint32(): number;
  /** A number in [0, 1) with 24 random bits, so that float32 holds it exactly. */
  uniform(): number;
  /**
   * An unbiased integer in 0 .. n - 1.
   * @param n an integer in 1 .. 2^32
   * @throws RangeError for any other n
   */
  below(n: number): number;
  /** Fisher-Yates, in place; returns the same array. */
  shuffle<T>(items: T[]): T[];
  /** Where the stream stands; {@link resumeStream} goes on from there. */
  state(): RandomState;
}

const TWO_32 = 0x1_0000_0000;

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

function mix(value: number): number {
  let word = value ^ (value >>> 16);
  word = Math.imul(word, 0x21f0aaad);
  word ^= word >>> 15;
  word = Math.imul(word, 0x735a2d97);
  return (word ^ (word >>> 15)) >>> 0;
}

/** Output number `index` of splitmix32 started at `seed`. */
function splitmix32(seed: number, index: number): number {
  return mix((seed + Math.imul(index + 1, 0x9e3779b9)) | 0);
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/**
 * Opens the random stream that belongs to a seed and a label.
 *
 * xoshiro128** 1.1; state word i is mix(splitmix32(seed)[i] + splitmix32(fnv1a(label))[i]), so that streams of one seed
 * are independent and adding a label never moves the numbers of another.
 * @param seed an integer in 0 .. 2^32 - 1
 * @param label what the stream is for, such as `order/3`
 * @throws RangeError for any other seed
 * @see https://prng.di.unimi.it/xoshiro128starstar.c
 */
export function randomStream(seed: number, label: string): RandomStream {
  if (!Number.isInteger(seed) || seed < 0 || seed >= TWO_32) {
    throw new RangeError(`A seed is an integer from 0 to 4294967295, found ${seed}.`);
  }
  const labelSeed = fnv1a(label);
  const word = (index: number): number => mix((splitmix32(seed, index) + splitmix32(labelSeed, index)) | 0);
  return resumeStream([word(0), word(1), word(2), word(3)]);
}

/** Goes on with a stream from where it stood. */
export function resumeStream(state: RandomState): RandomStream {
  let [s0, s1, s2, s3] = state.map((word) => word | 0) as [number, number, number, number];
  if ((s0 | s1 | s2 | s3) === 0) s0 = 1; // the one state that xoshiro never leaves

  function nextUint32(): number {
    const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    const shifted = s1 << 9;
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= shifted;
    s3 = rotateLeft(s3, 11);
    return result;
  }

  function below(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > TWO_32)
      throw new RangeError(`Expected an integer from 1 to 2^32, found ${n}.`);
    const accepted = TWO_32 - (TWO_32 % n); // values above it would favour the small remainders
    let value = nextUint32();
    while (value >= accepted) value = nextUint32();
    return value % n;
  }

  function shuffle<T>(items: T[]): T[] {
    for (let last = items.length - 1; last > 0; last -= 1) {
      const chosen = below(last + 1);
      const held = items[last] as T;
      items[last] = items[chosen] as T;
      items[chosen] = held;
    }
    return items;
  }

  return {
    nextUint32,
    uniform: () => (nextUint32() >>> 8) / 0x100_0000,
    below,
    shuffle,
    state: () => [s0 >>> 0, s1 >>> 0, s2 >>> 0, s3 >>> 0],
  };
}

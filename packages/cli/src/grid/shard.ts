import { ThawError } from "@thaw/core";

/** One part of a sweep that is split over machines. */
export interface Shard {
  /** 1 … count. */
  readonly index: number;
  readonly count: number;
}

/** More machines than any array of jobs has; a slip of the finger is told from it. */
const MOST_SHARDS = 10_000;

/**
 * Reads `--shard i/n`.
 * @throws ThawError `option-invalid`
 */
export function parseShard(text: string): Shard {
  const [, i, n] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  const shard = { index: Number(i), count: Number(n) };
  if (i !== undefined && shard.index >= 1 && shard.index <= shard.count && shard.count <= MOST_SHARDS) return shard;
  throw new ThawError(
    "option-invalid",
    `--shard: "${text}" is no shard: i/n with i from 1 to n, and n at most 10000.`,
    {
      hint: "The first of four machines takes --shard 1/4. Where jobs are counted from 0, add 1.",
    },
  );
}

/** A shard as people and files name it: `3/8`. */
export function shardText({ index, count }: Shard): string {
  return `${index}/${count}`;
}

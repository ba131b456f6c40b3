import { median, randomStream } from "@thaw/core";

/** Numbers in five. */
export interface Spread {
  readonly count: number;
  readonly min: number;
  readonly lowerQuartile: number;
  readonly median: number;
  readonly upperQuartile: number;
  readonly max: number;
}

/** A ratio of two medians with its interval. */
export interface RatioInterval {
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 10_000;
const LEVEL = 0.95;
const SEED = 6;

/**
 * A quantile, linear between neighbours (type 7 of Hyndman and Fan, as NumPy and R have it by default).
 * @param sorted ascending, at least one
 * @param share 0 … 1
 */
export function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? below;
  return below + (above - below) * (place - Math.floor(place));
}

/** Median and spread of numbers; null of none. */
export function spreadOf(values: readonly number[]): Spread | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => quantile(sorted, share);
  return {
    count: sorted.length,
    min: at(0),
    lowerQuartile: at(0.25),
    median: at(0.5),
    upperQuartile: at(0.75),
    max: at(1),
  };
}

/**
 * The ratio of two medians, with the percentile bootstrap's 95 % interval. Each value is one run, which is what varies;
 * the steps within a run hang together and are never resampled. The same values give the same interval.
 * @param ours and theirs at least one value each, above 0
 * @see Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13
 */
export function ratioOfMedians(ours: readonly number[], theirs: readonly number[]): RatioInterval {
  const random = randomStream(SEED, "bench/bootstrap");
  const redrawn = (values: readonly number[]): number =>
    median(values.map(() => values[random.below(values.length)] ?? Number.NaN)) ?? Number.NaN;
  const ratios = Array.from({ length: RESAMPLES }, () => redrawn(ours) / redrawn(theirs)).sort((a, b) => a - b);
  const tail = (1 - LEVEL) / 2;
  return {
    ratio: (median(ours) ?? Number.NaN) / (median(theirs) ?? Number.NaN),
    low: quantile(ratios, tail),
    high: quantile(ratios, 1 - tail),
  };
}

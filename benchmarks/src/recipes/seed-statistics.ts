import tCdf from "@stdlib/stats-base-dists-t-cdf";
import tQuantile from "@stdlib/stats-base-dists-t-quantile";
import { ThawError } from "@thaw/core";

/** What seeds say of a quantity: its mean, and how far from it the true mean may be. */
export interface SeedEstimate {
  readonly mean: number;
  /** n - 1. */
  readonly standardDeviation: number;
  readonly interval: readonly [low: number, high: number];
  /** Two-sided, for a true mean of 0. */
  readonly p: number;
}

/** Level of every interval. */
export const LEVEL = 0.95;

/**
 * Mean over seeds with a t interval.
 *
 * Each seed draws its test images from the same photos, so that seeds share images on both sides of the split and vary
 * less than fresh photos would: the plain variance s²/n is too small. It is s²·(1/n + test/train) here.
 * @param values one a seed
 * @param testToTrain test images divided by training images; 0 gives the plain interval
 * @throws ThawError `seeds-too-few`
 * @see Nadeau and Bengio, Inference for the Generalization Error, 2003 (the corrected resampled t test)
 */
export function seedEstimate(values: readonly number[], testToTrain: number): SeedEstimate {
  const n = values.length;
  if (n < 2) {
    throw new ThawError("seeds-too-few", `An interval over seeds needs at least 2 of them, not ${n}.`, {
      hint: "Run more seeds; the sweep goes on where it stopped.",
    });
  }
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  const error = Math.sqrt(variance * (1 / n + testToTrain));
  const margin = tQuantile(1 - (1 - LEVEL) / 2, n - 1) * error;
  const p = error === 0 ? Number(mean === 0) : 2 * tCdf(-Math.abs(mean) / error, n - 1);
  return { mean, standardDeviation: Math.sqrt(variance), interval: [mean - margin, mean + margin], p };
}

/**
 * Adjusts p values for their number, so that one false alarm among all of them stays as rare as one p value promises.
 * @returns in the order given
 * @see Holm, A Simple Sequentially Rejective Multiple Test Procedure, 1979
 */
export function holm(values: readonly number[]): readonly number[] {
  const order = values.map((_, index) => index).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  const adjusted = values.map(() => 1);
  let largest = 0;
  for (const [rank, index] of order.entries()) {
    largest = Math.max(largest, Math.min(1, (values.length - rank) * (values[index] ?? 1)));
    adjusted[index] = largest;
  }
  return adjusted;
}

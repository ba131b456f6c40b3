import tQuantile from "@stdlib/stats-base-dists-t-quantile";

/** A mean with how far it is known. */
export interface MeanInterval {
  readonly mean: number;
  /** Of the values, n - 1. */
  readonly standardDeviation: number;
  /** Of the mean. */
  readonly standardError: number;
  /** The 1 - 2α interval of the mean; a point where all values are equal. */
  readonly interval: readonly [low: number, high: number];
}

/**
 * Student's interval of a mean.
 * @param values at least two
 * @param alpha share left out at either end: 0.025 for a 95 % interval
 */
export function meanInterval(values: readonly number[], alpha: number): MeanInterval {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  const standardError = Math.sqrt(variance / n);
  const margin = tQuantile(1 - alpha, n - 1) * standardError;
  return { mean, standardDeviation: Math.sqrt(variance), standardError, interval: [mean - margin, mean + margin] };
}

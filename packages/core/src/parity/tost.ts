import chiPdf from "@stdlib/stats-base-dists-chi-pdf";
import chiQuantile from "@stdlib/stats-base-dists-chi-quantile";
import normalCdf from "@stdlib/stats-base-dists-normal-cdf";
import tCdf from "@stdlib/stats-base-dists-t-cdf";
import tQuantile from "@stdlib/stats-base-dists-t-quantile";
import { ThawError } from "../error.ts";
import { meanInterval } from "./mean-interval.ts";

/** What two one-sided tests are asked: is the true mean difference within ±delta? */
export interface TostQuestion {
  /** Largest difference that counts as the same, in the unit of the differences. */
  readonly delta: number;
  /** Level of each of the two tests. */
  readonly alpha: number;
}

/** What they answer. */
export interface TostAnswer {
  readonly mean: number;
  /** Of the differences, n - 1. */
  readonly standardDeviation: number;
  /** The 1 - 2α interval of the mean difference; a point where all differences are equal. */
  readonly interval: readonly [low: number, high: number];
  /** The larger of the two one-sided p values. */
  readonly p: number;
  /** Whether the interval lies within ±delta, which is p ≤ α. */
  readonly equivalent: boolean;
}

/** Even: Simpson's rule takes its intervals in pairs. */
const INTERVALS = 512;
/** Probability beyond the end of the integration. */
const NEGLIGIBLE = 1e-13;

/**
 * Two one-sided t tests on paired differences.
 * @see Schuirmann, A comparison of the two one-sided tests procedure and the power approach, 1987
 * @throws ThawError `seeds-too-few` for fewer than two differences, `accuracy-invalid` for one that is no finite number
 */
export function pairedTost(differences: readonly number[], { delta, alpha }: TostQuestion): TostAnswer {
  const n = differences.length;
  if (n < 2) {
    throw new ThawError("seeds-too-few", `Equivalence needs the differences of at least 2 seeds, not ${n}.`, {
      hint: "Run more seeds; the power asked for mostly takes 6 or more.",
    });
  }
  if (!differences.every(Number.isFinite)) {
    throw new ThawError("accuracy-invalid", `Differences of accuracies are ${differences.join(", ")}.`, {
      hint: "An accuracy that is no finite number comes from a run that went wrong: look at its result.",
    });
  }
  const { mean, standardDeviation, standardError: error, interval } = meanInterval(differences, alpha);
  const equivalent = Math.max(-interval[0], interval[1]) <= delta;
  const distance = delta - Math.abs(mean); // from the nearer bound, whose p value is the larger one
  const p = error === 0 ? (equivalent ? 0 : 1) : tCdf(-distance / error, n - 1);
  return { mean, standardDeviation, interval, p, equivalent };
}

/**
 * Chance that two one-sided t tests find equivalence where the true difference is 0.
 *
 * They pass if |mean| ≤ δ - t·s. Mean and s are independent, mean/σ is normal and v = s·√ν/σ has a chi distribution,
 * so the power is ∫ (2Φ(δ/σ - t·v/√ν) - 1)·f(v) dv over the v for which the bracket is above 0.
 * @param standardError σ, the true standard error of the mean difference, in delta's unit
 * @param freedom ν, degrees of freedom of its estimate s
 * @see Phillips, Power of the two one-sided tests procedure in bioequivalence, 1990
 */
export function equivalencePower(standardError: number, freedom: number, { delta, alpha }: TostQuestion): number {
  if (standardError === 0) return 1;
  const bound = delta / standardError;
  const slope = tQuantile(1 - alpha, freedom) / Math.sqrt(freedom);
  const end = Math.min(bound / slope, chiQuantile(1 - NEGLIGIBLE, freedom));
  const step = end / INTERVALS;
  let sum = 0;
  for (let index = 0; index <= INTERVALS; index += 1) {
    const v = index * step;
    const weight = index === 0 || index === INTERVALS ? 1 : index % 2 === 1 ? 4 : 2;
    sum += weight * (2 * normalCdf(bound - slope * v, 0, 1) - 1) * chiPdf(v, freedom);
  }
  return Math.min(1, Math.max(0, (sum * step) / 3));
}

/**
 * Chance that {@link pairedTost} on n normal differences with mean 0 finds equivalence.
 * @param n at least 2
 * @param standardDeviation the true one of a difference, in delta's unit
 */
export function tostPower(n: number, standardDeviation: number, question: TostQuestion): number {
  return equivalencePower(standardDeviation / Math.sqrt(n), n - 1, question);
}

/**
 * The fewest differences that give a power.
 * @returns a number from 2 to `most`, or null where `most` are too few
 */
export function pairsForPower(
  power: number,
  standardDeviation: number,
  question: TostQuestion,
  most: number,
): number | null {
  for (let n = 2; n <= most; n += 1) if (tostPower(n, standardDeviation, question) >= power) return n;
  return null;
}

import binomialCdf from "@stdlib/stats-base-dists-binomial-cdf";
import type { Result } from "@thaw/core";
import { meanInterval } from "@thaw/core/parity";
import type { ReportRow } from "./report-rows.ts";

/** Two rows over the seeds that both have. */
export interface SeedPairs {
  readonly kind: "seeds";
  readonly seeds: readonly number[];
  /** Mean difference of validation accuracy, −1…1, and its 95 % interval. */
  readonly mean: number;
  readonly interval: readonly [low: number, high: number];
  /** Whether the interval leaves out 0; null of fewer seeds than can say what noise is. */
  readonly decided: boolean | null;
}

/** Two runs of one seed over the same validation images. */
export interface ImagePairs {
  readonly kind: "images";
  readonly seed: number;
  readonly images: number;
  /** Images that the first alone got right, and the second alone. */
  readonly firstOnly: number;
  readonly secondOnly: number;
  /** Two-sided, McNemar's exact test. */
  readonly p: number;
  readonly decided: boolean;
}

export type PairTest = SeedPairs | ImagePairs;

const LEVEL = 0.05;
/** Two differences may be alike by chance, and their interval is then far too narrow. */
const FEWEST_SEEDS = 3;

/**
 * McNemar's exact test: whether so uneven a split of the images that two runs disagree on is chance.
 * @returns the two-sided p value, 1 where they disagree on none
 * @see McNemar, Note on the sampling error of the difference between correlated proportions or percentages, 1947
 */
export function mcnemarP(firstOnly: number, secondOnly: number): number {
  const n = firstOnly + secondOnly;
  return n === 0 ? 1 : Math.min(1, 2 * binomialCdf(Math.min(firstOnly, secondOnly), n, 0.5));
}

function overImages(first: Result, second: Result): ImagePairs | null {
  const [ours, theirs] = [first.data.heldOut?.validation, second.data.heldOut?.validation];
  if (ours === undefined || theirs === undefined || ours.ids.join("\n") !== theirs.ids.join("\n")) return null;
  const rights = [first, second].map(({ predictions }) =>
    predictions.validation.map((predicted, index) => predicted === ours.labels[index]),
  );
  const only = (a: number, b: number): number =>
    (rights[a] ?? []).filter((right, index) => right && rights[b]?.[index] === false).length;
  const [firstOnly, secondOnly] = [only(0, 1), only(1, 0)];
  const p = mcnemarP(firstOnly, secondOnly);
  const { seed } = first.spec;
  return { kind: "images", seed, images: ours.ids.length, firstOnly, secondOnly, p, decided: p < LEVEL };
}

/**
 * Whether one row's validation accuracy is higher than another's by more than noise: paired by seed where two seeds or
 * more are there, else image by image.
 * @returns null where nothing can be paired
 */
export function pairTest(first: ReportRow, second: ReportRow): PairTest | null {
  const pairs = first.runs.flatMap((run) => {
    const other = second.runs.find(({ spec }) => spec.seed === run.spec.seed);
    return other === undefined ? [] : [[run, other] as const];
  });
  if (pairs.length < 2) {
    const [pair] = pairs;
    return pair === undefined ? null : overImages(...pair);
  }
  const differences = pairs.map(
    ([a, b]) => (a.final.validation?.accuracy ?? Number.NaN) - (b.final.validation?.accuracy ?? Number.NaN),
  );
  const { mean, interval } = meanInterval(differences, LEVEL / 2);
  const decided = pairs.length < FEWEST_SEEDS ? null : interval[0] > 0 || interval[1] < 0;
  return { kind: "seeds", seeds: pairs.map(([{ spec }]) => spec.seed), mean, interval, decided };
}

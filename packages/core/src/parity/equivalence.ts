import { ThawError } from "../error.ts";
import type { Result } from "../runner/result.ts";
import type { EquivalenceResult, Measure, RungResult } from "./report.ts";
import { compareRuns } from "./run-comparison.ts";
import { EQUIVALENCE_TOLERANCE } from "./tolerances.ts";
import { pairedTost, pairsForPower, tostPower } from "./tost.ts";
import { verdictOf } from "./verdict.ts";

/** Which runs rung L5 holds against which. */
export interface OutcomePair {
  readonly runner: string;
  readonly reference: string;
  /** Freeze policy as a short word. */
  readonly depth: string;
}

function bySeed(runner: string, results: readonly Result[]): ReadonlyMap<number, Result> {
  const found = new Map<number, Result>();
  for (const result of results) {
    const { seed } = result.spec;
    if (found.has(seed)) {
      throw new ThawError("seeds-unpaired", `Runner "${runner}" has two results for seed ${seed}.`, {
        hint: "Give one result for each seed.",
      });
    }
    found.set(seed, result);
  }
  return found;
}

/** Seeds that both have, ascending. */
function pairedSeeds(
  { runner, reference }: OutcomePair,
  ours: ReadonlyMap<number, Result>,
  theirs: ReadonlyMap<number, Result>,
): readonly number[] {
  const missing = (from: ReadonlyMap<number, Result>, of: ReadonlyMap<number, Result>): number[] =>
    [...of.keys()].filter((seed) => !from.has(seed)).sort((a, b) => a - b);
  const lacks = [
    { name: runner, seeds: missing(ours, theirs) },
    { name: reference, seeds: missing(theirs, ours) },
  ].filter(({ seeds }) => seeds.length > 0);
  if (lacks.length > 0) {
    const sentence = lacks.map(({ name, seeds }) => `"${name}" lacks ${seeds.join(", ")}`).join("; ");
    throw new ThawError("seeds-unpaired", `Equivalence compares the same seeds: ${sentence}.`, {
      hint: "Run the seeds that are missing, or leave them out on both sides.",
      details: { missing: Object.fromEntries(lacks.map(({ name, seeds }) => [name, seeds])) },
    });
  }
  return [...ours.keys()].sort((a, b) => a - b);
}

/** Test accuracy in percentage points. */
function testAccuracy(runner: string, { final, spec }: Result): number {
  if (final.test !== null) return final.test.accuracy * 100;
  throw new ThawError("accuracy-missing", `The run of "${runner}" with seed ${spec.seed} has no test accuracy.`, {
    hint: "Give the spec a test part: split.test.",
  });
}

/**
 * Rung L5: whether two runners reach the same test accuracy, by a paired TOST over seeds.
 * @param ours the runner's results, one a seed, in any order
 * @param theirs the reference's, for the same seeds
 * @throws ThawError `seeds-too-few`, `seeds-unpaired`, `plans-differ`, `accuracy-missing`, `accuracy-invalid`
 */
export function compareOutcomes(
  pair: OutcomePair,
  ours: readonly Result[],
  theirs: readonly Result[],
): EquivalenceResult {
  const { delta, alpha, power, mostSeeds } = EQUIVALENCE_TOLERANCE;
  const [runs, references] = [bySeed(pair.runner, ours), bySeed(pair.reference, theirs)];
  const accuracies = { runner: [] as number[], reference: [] as number[] };
  const agreement = { equal: 0, images: 0 };
  const seeds = pairedSeeds(pair, runs, references);
  for (const seed of seeds) {
    const [run, reference] = [runs.get(seed), references.get(seed)];
    if (run === undefined || reference === undefined) continue; // pairedSeeds has seen to it
    const { identity, predictions } = compareRuns(reference, run);
    if (!identity.plan) {
      throw new ThawError("plans-differ", `With seed ${seed}, ${pair.runner} and ${pair.reference} ran other plans.`, {
        hint: "Only runs of the same spec, data and weights can be compared: run both again.",
      });
    }
    accuracies.runner.push(testAccuracy(pair.runner, run));
    accuracies.reference.push(testAccuracy(pair.reference, reference));
    agreement.equal += predictions.equal;
    agreement.images += predictions.images;
  }
  const differences = accuracies.runner.map((value, index) => value - (accuracies.reference[index] ?? Number.NaN));
  const question = { delta, alpha };
  const { mean, ...answer } = pairedTost(differences, question);
  return {
    ...pair,
    seeds,
    differences,
    meanDifference: mean,
    ...answer,
    delta,
    alpha,
    power: tostPower(seeds.length, answer.standardDeviation, question),
    seedsNeeded: pairsForPower(power, answer.standardDeviation, question, mostSeeds),
    agreement,
    accuracies,
  };
}

/** Differences of accuracies that are apart by less, in pp, are equal but for their rounding. */
const EQUAL = 1e-9;

function points(value: number): string {
  const size = Math.abs(value).toFixed(2);
  return `${value < 0 && Number(size) > 0 ? "−" : "+"}${size}`;
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** Why the interval does not lie within ±delta, and what would help. */
function shortfall(equivalence: EquivalenceResult): string {
  const { interval, delta, seeds, seedsNeeded, standardDeviation, power } = equivalence;
  const [low, high] = interval;
  if (low > delta || high < -delta) return `different: the whole interval is beyond ±${delta} pp`;
  if (low > 0 || high < 0) return `not the same: the interval leaves out 0 and reaches beyond ±${delta} pp`;
  const goal = percent(EQUIVALENCE_TOLERANCE.power);
  const deviation = `${standardDeviation.toFixed(2)} pp`;
  if (seedsNeeded === null) {
    return `undecided: ${EQUIVALENCE_TOLERANCE.mostSeeds} seeds do not give ${goal} power at a deviation of ${deviation}`;
  }
  return seedsNeeded > seeds.length
    ? `undecided: ${seedsNeeded} seeds needed for ${goal} power at a deviation of ${deviation}`
    : `undecided, though ${seeds.length} seeds have ${percent(power)} power where there is no difference: run other seeds`;
}

/** The verdict of rung L5: the interval's far end against delta. */
export function outcomeRung(equivalence: EquivalenceResult): RungResult {
  const { runner, depth, interval, delta, alpha, seeds, meanDifference, agreement, equivalent } = equivalence;
  const level = percent(1 - 2 * alpha);
  const measure: Measure = {
    at: {},
    value: Math.max(-interval[0], interval[1]),
    bound: delta,
    what: `far end of the ${level} interval of the test accuracy's difference, pp`,
  };
  const seen =
    `${points(meanDifference)} pp over ${seeds.length} seeds, ${level} interval ${points(interval[0])} to ` +
    `${points(interval[1])} pp, ${agreement.equal} of ${agreement.images} predictions equal`;
  const allEqual = equivalence.standardDeviation < EQUAL ? "; every seed has the same difference" : "";
  const note = `${equivalent ? "" : `${shortfall(equivalence)}; `}${seen}${allEqual}`;
  return verdictOf({ rung: "L5", runner, depth }, [measure], { note });
}

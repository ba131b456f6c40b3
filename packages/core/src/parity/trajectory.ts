import type { OptimizerSpec } from "../spec/schema.ts";
import { type Evidence, type Reference, valuesOf } from "./evidence.ts";
import { movementOf } from "./moving-statistics.ts";
import type { CurvePoint, Measure, Place, RungResult } from "./report.ts";
import { LOSS_TOLERANCE, SELF_NOISE_MULTIPLE, WEIGHT_TOLERANCE } from "./tolerances.ts";
import { distance, largestDifference, norm } from "./vectors.ts";
import { type Subject, verdictOf } from "./verdict.ts";

/** How far two runs are apart at one step in one measure, with its bound before self-noise. */
interface Apart {
  readonly at: Place;
  readonly what: string;
  readonly value: number;
  readonly bound: number;
}

/** What to compare of a run, beside its losses. */
interface Compared {
  readonly trained: readonly string[];
  readonly statistics: readonly string[];
  readonly optimizer: OptimizerSpec;
}

function lossesApart(a: Evidence, b: Evidence): Apart[] {
  const [ours, theirs] = [a.outcome.steps ?? [], b.outcome.steps ?? []];
  return Array.from({ length: Math.max(ours.length, theirs.length) }, (_, index) => {
    const [x, y] = [ours[index]?.loss ?? Number.NaN, theirs[index]?.loss ?? Number.NaN];
    const value = Math.abs(x - y) / Math.abs(y);
    return { at: { step: index + 1 }, what: "relative difference of the loss", value, bound: LOSS_TOLERANCE.gate };
  });
}

/** Norms over several weights: of the difference of two runs' movements, of the second's movement, of its start. */
function movementsApart(
  a: Evidence,
  b: Evidence,
  step: number,
  names: readonly string[],
): readonly [number, number, number] {
  let [apart, moved, start] = [0, 0, 0];
  for (const name of names) {
    const [ours, theirs] = [movementOf(a, name, step), movementOf(b, name, step)];
    apart += distance(ours, theirs) ** 2;
    moved += norm(theirs) ** 2;
    start += norm(valuesOf(b.weights.get(0) ?? new Map(), name) ?? []) ** 2;
  }
  return [Math.sqrt(apart), Math.sqrt(moved), Math.sqrt(start)];
}

/** Adam moves a weight by about one learning rate a step, whatever the gradient: its differences have a size. */
function largestApart(a: Evidence, b: Evidence, step: number, { trained }: Compared): Apart {
  let [value, tensor] = [0, ""];
  for (const name of trained) {
    const [ours, theirs] = [a, b].map(({ weights }) => valuesOf(weights.get(step) ?? new Map(), name) ?? []);
    const difference = largestDifference(ours ?? [], theirs ?? []);
    if (!(difference <= value)) [value, tensor] = [difference, name];
  }
  const rate = Math.max(...b.outcome.epochs.map(({ learningRate }) => learningRate));
  const at = tensor === "" ? { step } : { step, tensor };
  return { at, what: "largest difference of a weight", value, bound: WEIGHT_TOLERANCE.adamShare * rate * step };
}

function weightsApart(a: Evidence, b: Evidence, step: number, compared: Compared): Apart[] {
  const { trained, statistics, optimizer } = compared;
  const [apart, moved] = movementsApart(a, b, step, trained);
  const [statisticsApart, statisticsMoved, size] = movementsApart(a, b, step, statistics);
  const floor = WEIGHT_TOLERANCE.statisticsFloor * size;
  const bound = WEIGHT_TOLERANCE.update;
  return [
    ...(optimizer.name === "adam" ? [largestApart(a, b, step, compared)] : []),
    { at: { step }, what: "relative L2 difference of the weights' movement", value: apart / moved, bound },
    {
      at: { step },
      what: "relative L2 difference of the moving statistics' movement",
      value: statisticsApart / (statisticsMoved + floor),
      bound,
    },
  ];
}

/** Everything that rung L4 compares between two runs, step by step. */
function allApart(a: Evidence, b: Evidence, compared: Compared): readonly Apart[] {
  const steps = [...b.weights.keys()].filter((step) => step > 0);
  const weights = steps.flatMap((step) => weightsApart(a, b, step, compared));
  return [...lossesApart(a, b), ...weights].sort((x, y) => (x.at.step ?? 0) - (y.at.step ?? 0));
}

/**
 * Rung L4: losses and weights along the way, in a fixed order. A difference within a few times the self-noise passes:
 * so far apart are two runs of the runner itself that start one rounding apart, or the reference's own runs in float32
 * from the exact one (a single pair can be close by chance).
 * @param perturbed the same runner, started from weights moved by one ULP
 */
export function judgeTrajectory(
  runner: Evidence,
  perturbed: Evidence,
  { exact, rounded }: Reference,
  { runner: name, depth }: Subject,
  optimizer: OptimizerSpec,
): RungResult {
  const statistics = [...(exact.weights.get(0)?.keys() ?? [])].filter((key) => /\/moving_(mean|variance)$/.test(key));
  const compared = { trained: exact.outcome.trace?.trained ?? [], statistics, optimizer };
  const pairs = [[perturbed, runner] as const, ...rounded.map((evidence) => [evidence, exact] as const)];
  const noises = pairs.flatMap(([a, b]) => allApart(a, b, compared));
  const measures: Measure[] = [];
  const curve: CurvePoint[] = [];
  for (const { at, what, value, bound } of allApart(runner, exact, compared)) {
    const same = noises.filter((noise) => noise.what === what && noise.at.step === at.step);
    const selfNoise = Math.max(0, ...same.map((noise) => noise.value));
    const widened = Math.max(bound, SELF_NOISE_MULTIPLE * selfNoise);
    measures.push({ at, what, value, bound: widened });
    curve.push({ name: `step ${at.step}: ${what}`, value, bound: widened, selfNoise });
  }
  return verdictOf({ rung: "L4", runner: name, depth }, measures, { curve });
}

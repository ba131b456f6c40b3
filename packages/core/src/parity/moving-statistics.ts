import type { Layer } from "../model/layer.ts";
import { type Evidence, noiseOf, type Reference, valuesOf } from "./evidence.ts";
import type { Measure } from "./report.ts";
import { GRADIENT_TOLERANCE, STATISTICS_TOLERANCE } from "./tolerances.ts";
import { distance, norm } from "./vectors.ts";

const NAMES = ["moving_mean", "moving_variance"] as const;

/** How far one weight has moved from the start to a step. */
export function movementOf({ weights }: Evidence, name: string, step: number): Float64Array {
  const [before, after] = [0, step].map((at) => valuesOf(weights.get(at) ?? new Map(), name));
  return Float64Array.from(before ?? [], (value, index) => (after?.[index] ?? Number.NaN) - value);
}

/**
 * The error of a movement that rounding explains: the statistic is stored rounded to its own size, and the batch's
 * mean is off by a small part of a standard deviation (an expanded layer's mean hardly moves, and is all rounding).
 */
function allowance(start: ArrayLike<number>, variance: ArrayLike<number>, isMean: boolean, momentum: number): number {
  const scale = norm(isMean ? Array.from(variance, Math.sqrt) : variance);
  const { roundings, share } = STATISTICS_TOLERANCE;
  return roundings * 2 ** -24 * norm(start) + (1 - momentum) * share * scale;
}

/** How far the first step moved the statistics of each batch normalization, against float64. */
export function statisticsMeasures(runner: Evidence, reference: Reference, layers: readonly Layer[]): Measure[] {
  const start = reference.exact.weights.get(0) ?? new Map();
  return layers.flatMap(({ name, op }) => {
    if (op.type !== "BatchNormalization") return [];
    return NAMES.map((statistic): Measure => {
      const tensor = `${name}/${statistic}`;
      const at = { step: 1, tensor };
      const exact = movementOf(reference.exact, tensor, 1);
      const length = norm(exact);
      const errorOf = (evidence: Evidence): number => distance(movementOf(evidence, tensor, 1), exact);
      if (length === 0)
        return { at, what: "movement of statistics that are not to move", value: errorOf(runner), bound: 0 };
      const variance = valuesOf(start, `${name}/moving_variance`) ?? [];
      const rounding = allowance(valuesOf(start, tensor) ?? [], variance, statistic === "moving_mean", op.momentum);
      const noise = GRADIENT_TOLERANCE.multiple * noiseOf(reference, errorOf);
      const bound = Math.max(STATISTICS_TOLERANCE.gate * length + rounding, noise) / length;
      const what = "relative L2 error of the statistics' first movement";
      return { at, what, value: errorOf(runner) / length, bound };
    });
  });
}

import { type CurvePoint, lossCurve, type RangeStep, reachOf } from "./loss-curve.ts";

/** How a rate is read off the curve. */
export type RateRule = "tenth-of-minimum" | "steepest";

/** The rules, and what each says. */
export const RATE_RULES: Readonly<Record<RateRule, string>> = {
  "tenth-of-minimum": "a tenth of the rate at which the smoothed loss is lowest",
  steepest: "the rate at which the smoothed loss falls fastest",
};

/** What a range test shows. */
export interface RateFindings {
  /** Root mean square of loss minus smoothed loss, up to the minimum. */
  readonly noise: number;
  /** Smoothed loss at the start minus its minimum. */
  readonly fall: number;
  /** Where the smoothed loss is lowest; null where the losses show no minimum. */
  readonly minimum: CurvePoint | null;
  /** Where it falls fastest; null where it does not fall. */
  readonly steepest: CurvePoint | null;
  /** Why something is null, or is worth less than it looks: sentences. */
  readonly doubts: readonly string[];
}

/** Falls below so many times the noise are not told from it. */
const CLEAR = 2;
/** Steps after the lowest point without which it is an end and no minimum. */
const BEHIND = 3;

/**
 * Reads a curve of losses.
 * @param blewUp whether the test ended because the loss did: the loss then rose behind the last step
 */
export function rateFindings(steps: readonly RangeStep[], blewUp: boolean): RateFindings {
  // The first points have neighbours on one side only: their lines follow the noise.
  const curve = lossCurve(steps).slice(reachOf(steps.length));
  const [first] = curve;
  if (first === undefined) {
    return {
      noise: 0,
      fall: 0,
      minimum: null,
      steepest: null,
      doubts: ["There are too few steps to read a rate off."],
    };
  }
  const lowest = curve.reduce((best, point) => (point.smoothed < best.smoothed ? point : best), first);
  const before = curve.slice(0, curve.indexOf(lowest) + 1);
  const noise = Math.sqrt(before.reduce((sum, { loss, smoothed }) => sum + (loss - smoothed) ** 2, 0) / before.length);
  const fall = first.smoothed - lowest.smoothed;
  if (fall <= CLEAR * noise) {
    const doubt = `The loss fell by ${fall.toFixed(3)}, which is not clearly more than its noise of ${noise.toFixed(3)}: no rate can be read off.`;
    return { noise, fall, minimum: null, steepest: null, doubts: [doubt] };
  }
  const fastest = before.reduce((best, point) => (point.slope < best.slope ? point : best), first);
  const steepest = fastest.slope < 0 ? fastest : null;
  if (curve.length - before.length < BEHIND && !blewUp) {
    const doubt = `The loss was still falling at the highest rate, ${(steps.at(-1)?.learningRate ?? 0).toExponential(1)}: the test shows no minimum. Ask for a higher --to.`;
    return { noise, fall, minimum: null, steepest, doubts: [doubt] };
  }
  return { noise, fall, minimum: lowest, steepest, doubts: [] };
}

/** The rate that a rule gives, with the two digits that it is worth at most; null where the losses do not show it. */
export function suggestedRate({ minimum, steepest }: RateFindings, rule: RateRule): number | null {
  const rate = rule === "steepest" ? steepest?.learningRate : minimum && minimum.learningRate / 10;
  return rate === undefined || rate === null ? null : Number(rate.toPrecision(2));
}

/** A step of a range test. */
export interface RangeStep {
  /** 1-based. */
  readonly step: number;
  readonly learningRate: number;
  /** Mean loss of the step's batch, before its update. */
  readonly loss: number;
}

/** A step with what its neighbours say of it. */
export interface CurvePoint extends RangeStep {
  readonly smoothed: number;
  /** Change of the smoothed loss for a rate ten times as high. */
  readonly slope: number;
}

/** Part of all steps that a point is smoothed over, on each side. */
const REACH = 0.08;
const LEAST_REACH = 3;

/** Steps on each side that a point of a test of so many steps is smoothed over. */
export function reachOf(count: number): number {
  return Math.max(LEAST_REACH, Math.round(count * REACH));
}

/**
 * Smooths losses by a straight line through each point's neighbours, nearer ones weighing more. Rates grow by the same
 * factor from step to step, so that a line over steps is one over the rate's logarithm; unlike a running mean it does
 * not lag behind the loss, which would make rates look better than they are.
 * @see Cleveland, Robust Locally Weighted Regression and Smoothing Scatterplots, 1979 (the weights; one pass)
 */
export function lossCurve(steps: readonly RangeStep[]): readonly CurvePoint[] {
  const reach = reachOf(steps.length);
  return steps.map((point, at) => {
    const from = Math.max(0, at - reach);
    const sums = { weight: 0, x: 0, y: 0, xx: 0, xy: 0 };
    for (const [offset, { learningRate, loss }] of steps.slice(from, at + reach + 1).entries()) {
      const weight = (1 - (Math.abs(from + offset - at) / (reach + 1)) ** 3) ** 3;
      const x = Math.log10(learningRate / point.learningRate);
      sums.weight += weight;
      sums.x += weight * x;
      sums.y += weight * loss;
      sums.xx += weight * x * x;
      sums.xy += weight * x * loss;
    }
    const determinant = sums.weight * sums.xx - sums.x ** 2;
    const slope = determinant === 0 ? 0 : (sums.weight * sums.xy - sums.x * sums.y) / determinant;
    return { ...point, smoothed: (sums.y - slope * sums.x) / sums.weight, slope };
  });
}

/** Losses that are averaged before they count as an explosion. */
const WINDOW = 5;
/** How far above its lowest the averaged loss must rise. */
const EXPLOSION = 4;

/** Whether the newest losses are so far above the lowest that no later step can be worth its time. */
export function hasExploded(losses: readonly number[]): boolean {
  const means: number[] = [];
  for (let end = WINDOW; end <= losses.length; end += 1) {
    means.push(losses.slice(end - WINDOW, end).reduce((sum, loss) => sum + loss, 0) / WINDOW);
  }
  const [first, last] = [means[0], means.at(-1)];
  return first !== undefined && last !== undefined && last > first && last > EXPLOSION * Math.min(...means);
}

import type { OpRow, Parameters } from "./op-row.ts";
import { InvalidCase, type Tensor64 } from "./tensor64.ts";

/** The gradient of Σ w·f(x) by one input, from float64 differences of f. */
export interface GradientReference {
  /**
   * The gradient lies between these: apart where f has a kink, whose subgradients are all right, and infinite where it
   * jumps or is undefined on one side.
   */
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** Σ|w·∂f/∂x| of each element. */
  readonly scale: Float64Array;
  /** Σ|w| over the results that an element has an influence on. */
  readonly weight: Float64Array;
  /** Number of these results in the worst element. */
  readonly terms: number;
}

const RELATIVE_STEP = 2 ** -12;
const LEAST_STEP = 2 ** -16;
const MOST_STEP = 2 ** -8;
/** Noise of float64 over the smallest step. */
const NOISE = 1e-9;

function withElement(input: Tensor64, index: number, value: number): Tensor64 {
  const data = Float64Array.from(input.data);
  data[index] = value;
  return { shape: input.shape, data };
}

const ANYTHING = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const;

/** Derivative of one result at one element: between which values, by five values of f around it. */
function slopes(values: readonly number[], h: number, linear: boolean): readonly [low: number, high: number] {
  const [f2 = 0, f1 = 0, f0 = 0, g1 = 0, g2 = 0] = values;
  if (linear) return [(g1 - f1) / (2 * h), (g1 - f1) / (2 * h)];
  const [left, right] = [(f0 - f1) / h, (g1 - f0) / h];
  const jump = Math.abs(right - left);
  const wideJump = Math.abs((g2 - f0) / (2 * h) - (f0 - f2) / (2 * h));
  const size = Math.abs(right) + Math.abs(left);
  if (!Number.isFinite(size) || !Number.isFinite(wideJump)) return ANYTHING;
  // Over a jump the slope goes with 1/h.
  const wide = Math.max(Math.abs(g2 - f0), Math.abs(f0 - f2)) / (2 * h);
  if (size > 100 && wide < 0.75 * Math.max(Math.abs(right), Math.abs(left)) && wide > 0.25 * size * 0.5)
    return ANYTHING;
  // A smooth function's one-sided slopes close up with the step, a kink's do not.
  if (jump > 1e-3 * size && wideJump < 1.5 * jump) return [Math.min(left, right), Math.max(left, right)];
  const central = (f2 - 8 * f1 + 8 * g1 - g2) / (12 * h);
  return [central, central];
}

/**
 * Differentiates a row's reference numerically.
 * @param which input to differentiate by
 * @param weights of the results, in order
 */
export function gradientReference(
  { reference, linear = false }: Pick<OpRow, "reference" | "linear">,
  inputs: readonly Tensor64[],
  parameters: Parameters,
  which: number,
  weights: ArrayLike<number>,
): GradientReference {
  const input = inputs[which];
  if (input === undefined) throw new InvalidCase(`there is no input ${which}`);
  const { length } = input.data;
  const [lower, upper] = [new Float64Array(length), new Float64Array(length)];
  const [scale, weight] = [new Float64Array(length), new Float64Array(length)];
  let mostTerms = 1;
  const evaluate = (index: number, value: number): ArrayLike<number> =>
    reference(
      inputs.map((other, place) => (place === which ? withElement(input, index, value) : other)),
      parameters,
    ).data;
  const here = reference(inputs, parameters).data;

  for (let index = 0; index < length; index += 1) {
    const center = input.data[index] ?? 0;
    const h = linear ? 1 : Math.min(MOST_STEP, Math.max(LEAST_STEP, RELATIVE_STEP * Math.abs(center)));
    const [f1, g1] = [evaluate(index, center - h), evaluate(index, center + h)];
    const [f2, g2] = linear ? [f1, g1] : [evaluate(index, center - 2 * h), evaluate(index, center + 2 * h)];
    let [low, high, size, weighs, terms] = [0, 0, 0, 0, 0];
    for (let result = 0; result < here.length; result += 1) {
      const around = [f2[result] ?? 0, f1[result] ?? 0, here[result] ?? 0, g1[result] ?? 0, g2[result] ?? 0];
      const [least, most] = slopes(around, h, linear);
      if (Math.max(Math.abs(least), Math.abs(most)) < NOISE && around.every((value) => value === around[0])) continue;
      const w = weights[result] ?? 0;
      low += Math.min(w * least, w * most);
      high += Math.max(w * least, w * most);
      size += Math.abs(w) * Math.max(Math.abs(least), Math.abs(most));
      weighs += Math.abs(w);
      terms += 1;
    }
    lower[index] = low;
    upper[index] = high;
    scale[index] = size;
    weight[index] = weighs;
    mostTerms = Math.max(mostTerms, terms);
  }
  return { lower, upper, scale, weight, terms: mostTerms };
}

/** What numerical differentiation itself may be off by. */
export function differenceError(scale: number, weight: number): number {
  return NOISE * (scale + weight);
}

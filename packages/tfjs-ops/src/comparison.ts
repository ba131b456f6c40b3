import { SMALLEST_NORMAL, sumBound, UNIT_ROUNDOFF } from "@thaw/core";
import { differenceError, type GradientReference } from "./gradient-reference.ts";
import { numberText } from "./op-call.ts";
import type { CaseType, OpRow, Parameters } from "./op-row.ts";
import { mapTensor, type Tensor64 } from "./tensor64.ts";
import { type Accuracy, type Arithmetic, RULES } from "./tolerances.ts";

/** How a result compares. */
export interface Comparison {
  /** Error over its bound in the worst element. */
  readonly worst: number;
  /** What is wrong in that element; null where all is fine. */
  readonly problem: string | null;
}

/** Which arithmetic a unit roundoff stands for. */
export function arithmeticOf(unitRoundoff: number): Arithmetic {
  return unitRoundoff > UNIT_ROUNDOFF.float32 ? "wgsl" : "ieee";
}

const ULP = 2 ** -23;
const FINE: Comparison = { worst: 0, problem: null };

function positionText(flat: number, shape: readonly number[]): string {
  const indices: number[] = [];
  let rest = flat;
  for (const size of shape.toReversed()) {
    indices.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return `[${indices.join(", ")}]`;
}

/** Error over bound; infinite where one of the two is not finite and they are not the same. */
function ratioOf(found: number, low: number, high: number, bound: number): number {
  if (low === Number.NEGATIVE_INFINITY && high === Number.POSITIVE_INFINITY) return 0; // nothing is known of it
  if (Number.isNaN(low) || Number.isNaN(found))
    return Number.isNaN(low) === Number.isNaN(found) ? 0 : Number.POSITIVE_INFINITY;
  const [least, most] = [Math.fround(low), Math.fround(high)];
  if (found === least || found === most) return 0;
  if (!Number.isFinite(found) || !Number.isFinite(least)) return Number.POSITIVE_INFINITY;
  const error = Math.max(low - found, found - high, 0);
  return error === 0 ? 0 : error / bound;
}

interface Bounds {
  readonly low: (index: number) => number;
  readonly high: (index: number) => number;
  readonly bound: (index: number) => number;
}

function worstOf(what: string, shape: readonly number[], found: ArrayLike<number>, bounds: Bounds): Comparison {
  let worst = 0;
  let place = 0;
  for (let index = 0; index < found.length; index += 1) {
    const ratio = ratioOf(found[index] ?? Number.NaN, bounds.low(index), bounds.high(index), bounds.bound(index));
    if (ratio > worst) {
      worst = ratio;
      place = index;
    }
  }
  if (worst <= 1) return { worst, problem: null };
  const [low, high] = [bounds.low(place), bounds.high(place)];
  const wanted = low === high || Number.isNaN(low) ? numberText(low) : `a value from ${low} to ${high}`;
  const times = Number.isFinite(worst) ? `: ${worst.toPrecision(3)} times its bound` : "";
  return {
    worst,
    problem: `${what}${positionText(place, shape)} is ${numberText(found[place] ?? Number.NaN)} instead of ${wanted}${times}`,
  };
}

function boundOf({ ulps, perMagnitude = 0, absolute = 0 }: Accuracy, terms: number, unitRoundoff: number) {
  const sum = terms > 1 ? sumBound(terms) * unitRoundoff : 0;
  return (scale: number, magnitude: number, weight: number): number =>
    ((ulps + perMagnitude * magnitude) * ULP + sum) * scale + absolute * weight + terms * SMALLEST_NORMAL;
}

/** A result as tfjs gave it. */
export interface FoundTensor {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly data: ArrayLike<number>;
}

/** Compares the result of an operation with its reference. */
export function compareForward(
  row: OpRow,
  parameters: Parameters,
  inputs: readonly Tensor64[],
  expected: Tensor64,
  found: FoundTensor,
  unitRoundoff: number,
): Comparison {
  const dtype: CaseType = row.dtype?.(parameters) ?? "float32";
  const failed = (problem: string): Comparison => ({ worst: Number.POSITIVE_INFINITY, problem });
  if (found.shape.join() !== expected.shape.join()) {
    return failed(`y has shape [${found.shape.join(", ")}] instead of [${expected.shape.join(", ")}]`);
  }
  if (found.dtype !== dtype) return failed(`y has dtype ${found.dtype} instead of ${dtype}`);
  if (found.data.length !== expected.data.length) {
    return failed(`y has ${found.data.length} values instead of ${expected.data.length}`);
  }
  if (found.data.length === 0) return FINE;
  const scale =
    row.scale === undefined || row.scale === "value"
      ? expected
      : row.scale === "magnitudes"
        ? row.reference(
            inputs.map((input) => mapTensor(input, Math.abs)),
            parameters,
          )
        : row.scale(inputs, parameters);
  const terms = row.terms?.(parameters, inputs) ?? 1;
  const bound = boundOf(RULES[row.rule].forward[arithmeticOf(unitRoundoff)], terms, unitRoundoff);
  const value = (index: number): number => expected.data[index] ?? Number.NaN;
  const [first] = inputs;
  const alike = first?.data.length === expected.data.length ? first.data : [];
  return worstOf("y", expected.shape, found.data, {
    low: value,
    high: value,
    bound: (index) =>
      dtype === "float32" ? bound(Math.abs(scale.data[index] ?? 0), Math.abs(alike[index] ?? 0), 1) : 0.25,
  });
}

/** Compares the gradient by one input with its reference. */
export function compareGradient(
  row: OpRow,
  which: number,
  input: Tensor64,
  { lower, upper, scale, weight, terms }: GradientReference,
  found: FoundTensor,
  unitRoundoff: number,
): Comparison {
  if (found.shape.join() !== input.shape.join()) {
    const problem = `dx${which} has shape [${found.shape.join(", ")}] instead of [${input.shape.join(", ")}]`;
    return { worst: Number.POSITIVE_INFINITY, problem };
  }
  const bound = boundOf(RULES[row.rule].gradient[arithmeticOf(unitRoundoff)], terms, unitRoundoff);
  const read = (array: ArrayLike<number>, index: number): number => array[index] ?? Number.NaN;
  return worstOf(`dx${which}`, input.shape, found.data, {
    low: (index) => read(lower, index),
    high: (index) => read(upper, index),
    bound: (index) => {
      const [size, weighs] = [read(scale, index), read(weight, index)];
      return bound(size, Math.abs(read(input.data, index)), weighs) + differenceError(size, weighs);
    },
  });
}

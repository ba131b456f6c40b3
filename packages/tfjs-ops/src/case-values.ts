import { type CaseInput, numberOf, type Parameter } from "./op-row.ts";
import { sizeOf } from "./tensor64.ts";

/** mulberry32, uniform on 0 … 1: the same everywhere. */
export function uniformStream(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Uniform on `low … high`, with three decimals. */
export function floats(shape: readonly number[], seed = 1, low = -2, high = 2): CaseInput {
  const next = uniformStream(seed);
  const draw = (): number => Math.fround(Math.round((low + (high - low) * next()) * 1000) / 1000);
  return { shape, dtype: "float32", values: Array.from({ length: sizeOf(shape) }, draw) };
}

/** Values that differ by 0.1 or more, in random order: which is the largest does not hang on a rounding. */
export function distinct(shape: readonly number[], seed = 1): CaseInput {
  const size = sizeOf(shape);
  const next = uniformStream(seed);
  const order = Array.from({ length: size }, (_, index) => [next(), index] as const).sort(([a], [b]) => a - b);
  const values = order.map(([, index]) => Math.fround(Math.round((index - size / 2) * 100 + 37) / 1000));
  return { shape, dtype: "float32", values };
}

/** Whole numbers from `low` up to, not including, `high`. */
export function integers(shape: readonly number[], low: number, high: number, seed = 1): CaseInput {
  const next = uniformStream(seed);
  const draw = (): number => low + Math.floor((high - low) * next());
  return { shape, dtype: "int32", values: Array.from({ length: sizeOf(shape) }, draw) };
}

/** Zeros and ones. */
export function booleans(shape: readonly number[], seed = 1): CaseInput {
  return { ...integers(shape, 0, 2, seed), dtype: "bool" };
}

/** A vector of the values that a parameter lists. */
export function listed(values: Parameter, dtype: CaseInput["dtype"] = "float32"): CaseInput {
  const numbers = (Array.isArray(values) ? values : [values]).map((value: Parameter) => numberOf(value));
  return { shape: [numbers.length], dtype, values: dtype === "float32" ? numbers.map(Math.fround) : numbers };
}

/**
 * A list of numbers from a line of words; what JSON has no number for stays a word.
 * @param text `0 -0 1e-7 NaN`
 */
export function list(text: string): Parameter[] {
  return text.split(" ").map((word) => {
    const value = Number(word);
    return Number.isFinite(value) && !Object.is(value, -0) ? value : word;
  });
}

/**
 * A list of pairs from a line of words.
 * @param text `1/2 NaN/1`
 */
export function pairList(text: string): Parameter[][] {
  return text.split(" ").map((pair) => list(pair.replace("/", " ")));
}

/** Two vectors out of a list of pairs. */
export function listedPairs(pairs: Parameter, dtype: CaseInput["dtype"] = "float32"): CaseInput[] {
  const rows = pairs as readonly (readonly Parameter[])[];
  return [0, 1].map((column) =>
    listed(
      rows.map((pair) => pair[column] ?? 0),
      dtype,
    ),
  );
}

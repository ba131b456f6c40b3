import { sizeOf } from "../model/layer.ts";
import type { ComputingKernel } from "../parity/tolerances.ts";
import type { DeviceTensor, KernelName, Kernels } from "./kernels.ts";

/** One input of a case: float32 values, or class labels. */
export type CaseInput =
  | { readonly shape: readonly number[]; readonly values: Float32Array }
  | { readonly labels: Int32Array };

/** One call of a kernel on given inputs, on any kernel set. */
export interface KernelCase {
  readonly kernel: ComputingKernel;
  /** Unique among the cases of its kernel. */
  readonly name: string;
  /** Of large cases drawn anew each time that it is read. */
  readonly inputs: readonly CaseInput[];
  /** A real size, which takes plain JavaScript a second: for engines, not for tests of the suite itself. */
  readonly large?: boolean;
  /** Most terms of its sums are equal: they are held to `equalTermsBound`. */
  readonly equalTerms?: boolean;
  /** The kernel frees its inputs itself. */
  readonly consumes?: boolean;
  /** Calls the kernel; frees everything but the named results. */
  run<T extends DeviceTensor>(kernels: Kernels<T>, inputs: readonly T[]): Readonly<Record<string, T>>;
}

/** Reads one of a case's inputs. */
export function input<T>(inputs: readonly T[], index: number): T {
  const tensor = inputs[index];
  if (tensor === undefined) throw new RangeError(`kernel case: input ${index} of ${inputs.length}`);
  return tensor;
}

/** A kernel that a set may lack, and the set under test must have. */
export function kernelOf<T extends DeviceTensor, N extends KernelName>(
  kernels: Kernels<T>,
  name: N,
): NonNullable<Kernels<T>[N]> {
  const kernel = kernels[name];
  if (kernel === undefined) throw new Error(`The kernel set has no ${name}.`);
  return kernel;
}

/** Leaves out what was not computed. */
export function present<T>(results: Readonly<Record<string, T | undefined>>): Record<string, T> {
  const entries = Object.entries(results).filter((entry): entry is [string, T] => entry[1] !== undefined);
  return Object.fromEntries(entries);
}

/** Deterministic float32 test data. */
export interface CaseData {
  /** Uniform on `center ± spread`. */
  uniform(shape: readonly number[], spread?: number, center?: number): CaseInput;
  /** Uniform on `low … high`. */
  between(shape: readonly number[], low: number, high: number): CaseInput;
  /** Given values, repeated to fill the shape. */
  repeat(shape: readonly number[], values: readonly number[]): CaseInput;
  labels(batch: number, classes: number): CaseInput;
}

/** Makes test data from a seed (integer arithmetic only: the same everywhere). */
export function caseData(seed: number): CaseData {
  let state = seed >>> 0;
  /** mulberry32, uniform on 0 … 1. */
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const fill = (shape: readonly number[], value: (index: number) => number): CaseInput => {
    const values = new Float32Array(sizeOf(shape));
    for (let index = 0; index < values.length; index++) values[index] = value(index);
    return { shape, values };
  };
  return {
    uniform: (shape, spread = 1, center = 0) => fill(shape, () => center + spread * (2 * next() - 1)),
    between: (shape, low, high) => fill(shape, () => low + (high - low) * next()),
    repeat: (shape, values) => fill(shape, (index) => values[index % values.length] ?? 0),
    labels: (batch, classes) => ({ labels: Int32Array.from({ length: batch }, () => Math.floor(next() * classes)) }),
  };
}

/** Picks `count` entries, the first and the last among them. */
export function spread<E>(entries: readonly E[], count: number): E[] {
  if (entries.length <= count) return [...entries];
  const step = (entries.length - 1) / (count - 1);
  return Array.from({ length: count }, (_, index) => entries[Math.round(index * step)]).filter(
    (entry) => entry !== undefined,
  );
}

import type { Tensor } from "@tensorflow/tfjs-core";
import type { Tfjs } from "@thaw/core";
import { uniformStream } from "./case-values.ts";
import { type Comparison, compareForward, compareGradient, type FoundTensor } from "./comparison.ts";
import { type GradientReference, gradientReference } from "./gradient-reference.ts";
import { makeCall } from "./op-call.ts";
import type { CaseInput, OpRow, Parameters } from "./op-row.ts";
import type { Tensor64 } from "./tensor64.ts";

/** The engine under test. */
export interface OpEngine {
  readonly tf: Tfjs;
  /** Of core's UNIT_ROUNDOFF. */
  readonly unitRoundoff: number;
  /** Waits until the device has done, or failed over, what it was given; absent where it does so at once. */
  settle?(): Promise<void>;
}

/** One case, ready to run. */
export interface TfjsCase {
  readonly row: OpRow;
  readonly parameters: Parameters;
  readonly inputs: readonly CaseInput[];
}

/** What kind of thing is wrong. */
export type ProblemKind = "wrong" | "throws" | "not-implemented" | "leaks";

/** What came of one part of a case. */
export interface PartResult {
  /** `y`, or `dx0` for the gradient by the first input; `memory` for what is left behind. */
  readonly part: string;
  /** Error over its bound in the worst element. */
  readonly worst: number;
  readonly expected: ArrayLike<number>;
  /** Null where it throws. */
  readonly found: ArrayLike<number> | null;
  /** What is wrong; null where all is fine. */
  readonly problem: { readonly kind: ProblemKind; readonly text: string } | null;
}

/** Weights of the results in a gradient's projection: ±0.5 … ±1.5, three decimals. */
export function projection(count: number): Float32Array {
  const next = uniformStream(77);
  return Float32Array.from({ length: count }, () => {
    const size = Math.round(500 + 1000 * next()) / 1000;
    return next() < 0.5 ? -size : size;
  });
}

async function read(tensor: Tensor): Promise<FoundTensor> {
  const data = await tensor.data();
  return { shape: tensor.shape, dtype: tensor.dtype, data: tensor.dtype === "bool" ? Array.from(data, Number) : data };
}

/** Kernels that are not there say so in their own words (tfjs-core 4.22, engine.ts). */
function thrown(part: string, error: unknown, expected: ArrayLike<number>): PartResult {
  const message = (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
  const kernel = /Kernel '(\w+)' not registered/.exec(message)?.[1];
  const problem =
    kernel === undefined
      ? ({ kind: "throws", text: `${part} throws: ${message}` } as const)
      : ({ kind: "not-implemented", text: `${part} is not implemented: no kernel ${kernel}` } as const);
  return { part, worst: Number.POSITIVE_INFINITY, expected, found: null, problem };
}

function compared(
  part: string,
  { worst, problem }: Comparison,
  expected: ArrayLike<number>,
  found: FoundTensor,
): PartResult {
  return {
    part,
    worst,
    expected,
    found: found.data,
    problem: problem === null ? null : { kind: "wrong", text: problem },
  };
}

/** Puts an input on the engine. */
export function upload(tf: Tfjs, { shape, dtype, values }: CaseInput): Tensor {
  const typed =
    dtype === "float32"
      ? Float32Array.from(values)
      : dtype === "bool"
        ? Uint8Array.from(values)
        : Int32Array.from(values);
  return tf.tensor(typed, [...shape], dtype);
}

/** The inputs that a gradient is taken by: float32 ones, unless the row says otherwise; none next to NaN or infinity. */
export function differentiable({ row, parameters, inputs }: TfjsCase): number[] {
  if (inputs.some(({ values }) => !values.every(Number.isFinite))) return [];
  const floats = inputs.flatMap(({ dtype }, index) => (dtype === "float32" ? [index] : []));
  const wanted = typeof row.gradients === "function" ? row.gradients(parameters) : row.gradients;
  return wanted === undefined ? floats : floats.filter((index) => wanted.includes(index));
}

/** A gradient's reference as one list of numbers: in the middle of what is right. */
function middle({ lower, upper }: GradientReference): Float64Array {
  return lower.map((low, index) => (low + (upper[index] ?? low)) / 2);
}

/** Runs the operation and its gradients. */
async function runParts(
  { tf, unitRoundoff }: OpEngine,
  testCase: TfjsCase,
  tensors: readonly Tensor[],
): Promise<PartResult[]> {
  const { row, parameters, inputs } = testCase;
  const inputs64: Tensor64[] = inputs.map(({ shape, values }) => ({ shape, data: values }));
  const expected = row.reference(inputs64, parameters);
  const weights = projection(expected.data.length);
  const references = differentiable(testCase).map(
    (which) => [which, gradientReference(row, inputs64, parameters, which, weights)] as const,
  );
  const theCall = row.call(parameters);
  const results: PartResult[] = [];
  try {
    const y = tf.tidy(() => makeCall(tf, theCall, tensors));
    const found = await read(y);
    y.dispose();
    const comparison = compareForward(row, parameters, inputs64, expected, found, unitRoundoff);
    results.push(compared("y", comparison, expected.data, found));
  } catch (error) {
    return [thrown("y", error, expected.data)];
  }
  for (const [which, reference] of references) {
    const [input, tensor] = [inputs64[which], tensors[which]];
    if (input === undefined || tensor === undefined) continue;
    const part = `dx${which}`;
    const dy = tf.tensor(weights, [...expected.shape]);
    try {
      const f = (given: Tensor): Tensor => makeCall(tf, theCall, tensors.with(which, given));
      const dx = tf.grad(f)(tensor, dy);
      const found = await read(dx);
      dx.dispose();
      results.push(
        compared(part, compareGradient(row, which, input, reference, found, unitRoundoff), middle(reference), found),
      );
    } catch (error) {
      results.push(thrown(part, error, middle(reference)));
    }
    dy.dispose();
  }
  return results;
}

/**
 * Runs a case on an engine and on the reference, forward and backward.
 * @throws InvalidCase where the parameters make no sense
 */
export async function judge(engine: OpEngine, testCase: TfjsCase): Promise<PartResult[]> {
  const { tf } = engine;
  const before = tf.memory();
  const tensors = testCase.inputs.map((input) => upload(tf, input));
  const results = await runParts(engine, testCase, tensors).finally(() => tf.dispose(tensors));
  await engine.settle?.();
  const after = tf.memory();
  const left = Math.max(after.numTensors - before.numTensors, after.numDataBuffers - before.numDataBuffers);
  if (left > 0 && results.every(({ found }) => found !== null)) {
    const problem = { kind: "leaks", text: `${left} tensors are left behind` } as const;
    results.push({ part: "memory", worst: Number.POSITIVE_INFINITY, expected: [], found: null, problem });
  }
  return results;
}

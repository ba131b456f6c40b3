import type { Tensor } from "@tensorflow/tfjs-core";
import type { Tfjs } from "@thaw/core";
import { uniformStream } from "./case-values.ts";
import { compareForward, compareGradient, type FoundTensor } from "./comparison.ts";
import { gradientReference } from "./gradient-reference.ts";
import { makeCall } from "./op-call.ts";
import type { CaseInput, OpRow, Parameters } from "./op-row.ts";
import type { Tensor64 } from "./tensor64.ts";

/** The engine under test. */
export interface OpEngine {
  readonly tf: Tfjs;
  /** Of core's UNIT_ROUNDOFF. */
  readonly unitRoundoff: number;
}

/** One case, ready to run. */
export interface TfjsCase {
  readonly row: OpRow;
  readonly parameters: Parameters;
  readonly inputs: readonly CaseInput[];
}

/** What kind of thing is wrong. */
export type ProblemKind = "wrong" | "throws" | "not-implemented" | "leaks";

/** One thing that is wrong with a case. */
export interface OpProblem {
  readonly kind: ProblemKind;
  /** `y`, or `dx0` for the gradient by the first input. */
  readonly part: string;
  readonly text: string;
  readonly expected: ArrayLike<number>;
  /** Null where it throws. */
  readonly found: ArrayLike<number> | null;
}

/** What came of a case. */
export interface OpJudgement {
  readonly worst: number;
  readonly problems: readonly OpProblem[];
  /** The result, where there is one. */
  readonly found: ArrayLike<number> | null;
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

/** Kernels and gradients that are not there say so in their own words (tfjs-core 4.22, engine.ts and gradients.ts). */
function thrown(part: string, error: unknown, expected: ArrayLike<number>): OpProblem {
  const message = (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
  const kernel = /'?Kernel '(\w+)' not registered|Error running (\w+): Neither/.exec(message);
  const name = kernel?.[1] ?? kernel?.[2];
  if (name !== undefined) {
    return {
      kind: "not-implemented",
      part,
      text: `${part} is not implemented: no kernel ${name}`,
      expected,
      found: null,
    };
  }
  return { kind: "throws", part, text: `${part} throws: ${message}`, expected, found: null };
}

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
function differentiable({ row, parameters, inputs }: TfjsCase): number[] {
  if (inputs.some(({ values }) => !values.every(Number.isFinite))) return [];
  const floats = inputs.flatMap(({ dtype }, index) => (dtype === "float32" ? [index] : []));
  const wanted = typeof row.gradients === "function" ? row.gradients(parameters) : row.gradients;
  return wanted === undefined ? floats : floats.filter((index) => wanted.includes(index));
}

/**
 * Runs a case on an engine and on the reference, forward and backward.
 * @throws InvalidCase where the parameters make no sense
 */
export async function judge({ tf, unitRoundoff }: OpEngine, testCase: TfjsCase): Promise<OpJudgement> {
  const { row, parameters, inputs } = testCase;
  const inputs64: Tensor64[] = inputs.map(({ shape, values }) => ({ shape, data: values }));
  const expected = row.reference(inputs64, parameters);
  const wanted = differentiable(testCase);
  const weights = projection(expected.data.length);
  const gradients = wanted.map((which) => gradientReference(row, inputs64, parameters, which, weights));

  const problems: OpProblem[] = [];
  const before = tf.memory();
  const tensors = inputs.map((input) => upload(tf, input));
  const theCall = row.call(parameters);
  let found: ArrayLike<number> | null = null;
  let worst = 0;
  let alive = true;
  try {
    const y = tf.tidy(() => makeCall(tf, theCall, tensors));
    const result = await read(y);
    y.dispose();
    found = result.data;
    const comparison = compareForward(row, parameters, inputs64, expected, result, unitRoundoff);
    worst = comparison.worst;
    if (comparison.problem !== null) {
      problems.push({ kind: "wrong", part: "y", text: comparison.problem, expected: expected.data, found });
    }
  } catch (error) {
    alive = false;
    problems.push(thrown("y", error, expected.data));
  }

  for (const [order, which] of (alive ? wanted : []).entries()) {
    const [reference, input] = [gradients[order], inputs64[which]];
    const tensor = tensors[which];
    if (reference === undefined || input === undefined || tensor === undefined) continue;
    const part = `dx${which}`;
    try {
      const dy = tf.tensor(weights, [...expected.shape]);
      const f = (given: Tensor): Tensor =>
        makeCall(
          tf,
          theCall,
          tensors.map((other, place) => (place === which ? given : other)),
        );
      const dx = tf.grad(f)(tensor, dy);
      const result = await read(dx);
      tf.dispose([dx, dy]);
      const comparison = compareGradient(row, which, input, reference, result, unitRoundoff);
      worst = Math.max(worst, comparison.worst);
      if (comparison.problem !== null) {
        const middle = Float64Array.from(reference.lower, (low, index) => (low + (reference.upper[index] ?? low)) / 2);
        problems.push({ kind: "wrong", part, text: comparison.problem, expected: middle, found: result.data });
      }
    } catch (error) {
      problems.push(thrown(part, error, reference.lower));
      alive = false;
    }
  }

  tf.dispose(tensors);
  const after = tf.memory();
  const left = Math.max(after.numTensors - before.numTensors, after.numDataBuffers - before.numDataBuffers);
  if (alive && left > 0) {
    problems.push({
      kind: "leaks",
      part: "memory",
      text: `${left} tensors are left behind`,
      expected: [],
      found: null,
    });
  }
  return { worst: problems.length > 0 ? Math.max(worst, 1) : worst, problems, found };
}

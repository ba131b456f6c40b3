import type { Call } from "./op-call.ts";
import type { Tensor64 } from "./tensor64.ts";
import type { Rule } from "./tolerances.ts";

/** Types of tensors that cases have. */
export type CaseType = "float32" | "int32" | "bool";

/** A parameter of a case: plain data that the shrinker can make smaller. */
export type Parameter = null | boolean | number | string | readonly Parameter[];

/** The parameters of one case. Non-finite numbers are written as words: `NaN`, `Infinity`, `-Infinity`, `-0`. */
export type Parameters = { readonly [name: string]: Parameter };

/** An input of a case. */
export interface CaseInput {
  readonly shape: readonly number[];
  readonly dtype: CaseType;
  /** Row-major; float32 values, exactly. */
  readonly values: readonly number[];
}

/** One operation with its cases. */
export interface OpRow<P extends Parameters = Parameters> {
  /** `tf.maxPool`. */
  readonly op: string;
  readonly cases: readonly P[];
  /** @throws InvalidCase for parameters that make no sense together */
  inputs(parameters: P): readonly CaseInput[];
  call(parameters: P): Call;
  /** The result in float64, worked out without tfjs; NaN and infinities as IEEE 754 and NumPy have them. */
  reference(inputs: readonly Tensor64[], parameters: P): Tensor64;
  /** How far off the result may be. */
  readonly rule: Rule;
  /** Type of the result; float32 without. */
  dtype?(parameters: P): CaseType;
  /**
   * Scale of the rounding errors of each element: the size of the element itself (default), or what the reference gives
   * for the magnitudes of the inputs, which is the condition sum of a sum of products.
   */
  readonly scale?: "value" | "magnitudes" | ((inputs: readonly Tensor64[], parameters: P) => Tensor64);
  /** Length of the longest sum behind an element; 1 without. */
  terms?(parameters: P, inputs: readonly Tensor64[]): number;
  /** Inputs to take gradients by: all of float32 without; none where tfjs-core has no gradient. */
  readonly gradients?: readonly number[] | ((parameters: P) => readonly number[]);
  /** The result is linear in each input alone. */
  readonly linear?: boolean;
}

/** A row whose parameters nobody needs to know. */
export function row<P extends Parameters>(definition: OpRow<P>): OpRow {
  return definition as unknown as OpRow;
}

/** Reads a number that may be a word. */
export function numberOf(parameter: Parameter): number {
  return typeof parameter === "string" ? Number(parameter) : Number(parameter);
}

/** Parameters as one line: unique among the cases of an operation. */
export function parametersText(parameters: Parameters): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
}

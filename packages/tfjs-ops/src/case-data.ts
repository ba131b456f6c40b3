import { type OpCaseData, ThawError } from "@thaw/core";
import type { TfjsCase } from "./judgement.ts";
import { numberText } from "./op-call.ts";
import type { CaseInput, OpRow, Parameters } from "./op-row.ts";
import { InvalidCase, sizeOf } from "./tensor64.ts";

/**
 * A case of a row with the inputs that its parameters stand for.
 * @throws InvalidCase
 */
export function caseOf(row: OpRow, parameters: Parameters): TfjsCase {
  const inputs = row.inputs(parameters);
  for (const { shape, values } of inputs) {
    if (values.length !== sizeOf(shape)) throw new InvalidCase(`${values.length} values in [${shape}]`);
  }
  return { row, parameters, inputs };
}

/** A case as plain data, JSON even where values are not finite. */
export function caseData({ row, parameters, inputs }: TfjsCase): OpCaseData {
  const plain = inputs.map(({ shape, dtype, values }) => ({ shape, dtype, values: values.map(numberText) }));
  return { op: row.op, parameters, inputs: plain };
}

/**
 * The case that plain data stand for.
 * @throws ThawError `case-unknown`
 */
export function caseFrom(rows: readonly OpRow[], { op, parameters, inputs }: OpCaseData): TfjsCase {
  const row = rows.find((candidate) => candidate.op === op);
  if (row === undefined)
    throw new ThawError("case-unknown", `There is no operation "${String(op)}" in the suite tfjs.`);
  type Plain = Omit<CaseInput, "values"> & { readonly values: readonly string[] };
  const tensors = (inputs as readonly Plain[]).map(
    ({ values, ...rest }): CaseInput => ({ ...rest, values: values.map(Number) }),
  );
  return { row, parameters: parameters as Parameters, inputs: tensors };
}

import type { OpVerdict } from "../runner/ops.ts";
import type { Measure, RungResult } from "./report.ts";
import { verdictOf } from "./verdict.ts";

/** Rung L1: every operation of a runner against float64, in units of its bound. */
export function judgeOperations(runner: string, verdicts: readonly OpVerdict[]): RungResult {
  const measures = verdicts.map(({ op, name, worst, problems }): Measure => {
    const at = { op: `${op}: ${name}` };
    // Wrong shapes, changed inputs and leaked tensors are no rounding errors: they have no size.
    const value = problems.length > 0 && worst <= 1 ? Number.POSITIVE_INFINITY : worst;
    return { at, what: problems[0] ?? "error over its bound", value, bound: 1 };
  });
  return verdictOf({ rung: "L1", runner, depth: null }, measures);
}

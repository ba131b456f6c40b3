import { type ParityReport, RUNGS, type Rung, type RungResult } from "@thaw/core/parity";

/** One runner at one depth: a verdict for each rung of the matrix, or none where the rung does not depend on it. */
export interface MatrixRow {
  readonly runner: string;
  /** Null for rungs that hold for every depth. */
  readonly depth: string | null;
  readonly cells: readonly (RungResult | null)[];
}

/** Runner × depth against rung. */
export interface Matrix {
  /** Rungs that anybody has a verdict on, lowest first. */
  readonly rungs: readonly Rung[];
  readonly rows: readonly MatrixRow[];
}

/** Arranges the verdicts: runners and depths in the report's order, what holds for every depth first. */
export function matrixOf({ runners, depths, results }: ParityReport): Matrix {
  const rungs = RUNGS.filter((rung) => results.some((result) => result.rung === rung));
  const order = [null, ...new Set([...depths, ...results.flatMap(({ depth }) => (depth === null ? [] : [depth]))])];
  const names = new Set([...runners.map(({ name }) => name), ...results.map(({ runner }) => runner)]);
  const rows = [...names].flatMap((runner) =>
    order.map((depth) => ({
      runner,
      depth,
      cells: rungs.map(
        (rung) => results.find((cell) => cell.rung === rung && cell.runner === runner && cell.depth === depth) ?? null,
      ),
    })),
  );
  return { rungs, rows: rows.filter(({ cells }) => cells.some((cell) => cell !== null)) };
}

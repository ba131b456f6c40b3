import { type PairTest, pairTest } from "./pair-test.ts";
import type { ReportRow } from "./report-rows.ts";
import { type Score, scoreOf } from "./score.ts";

/** The row to take, and how sure that is. */
export interface BestRow {
  readonly row: ReportRow;
  readonly validation: Score;
  /** Is reported and never decides. */
  readonly test: Score | null;
  /** How many experiments were compared; one that several rows share, on other runners or in other groups, counts once. */
  readonly experiments: number;
  /** The best row of another experiment. */
  readonly next: { readonly row: ReportRow; readonly validation: Score; readonly pairs: PairTest | null } | null;
  /** Whether the next has the same accuracy, so that the loss decided. */
  readonly tied: boolean;
  /** The same experiment on other runners, each once. */
  readonly elsewhere: readonly { readonly row: ReportRow; readonly validation: Score }[];
}

/** Losses that differ by rounding alone, as those of two runners do, are equal. */
function lossToCompare(score: Score): number {
  return Number(score.loss.toPrecision(4));
}

/**
 * The row with the highest validation accuracy, of equals the one with the lower validation loss, then the earlier one;
 * the test part has no say.
 * @returns null where no row has a validation part
 */
export function bestRow(rows: readonly ReportRow[]): BestRow | null {
  const ranked = rows
    .flatMap((row) => {
      const validation = scoreOf(row, "validation");
      return validation === null ? [] : [{ row, validation }];
    })
    .sort(
      (a, b) =>
        b.validation.accuracy - a.validation.accuracy || lossToCompare(a.validation) - lossToCompare(b.validation),
    );
  const [best, ...others] = ranked;
  if (best === undefined) return null;
  const { row, validation } = best;
  const next = others.find((other) => other.row.experiment !== row.experiment);
  const onOthers = others.filter((other) => other.row.experiment === row.experiment && other.row.runner !== row.runner);
  return {
    row,
    validation,
    test: scoreOf(row, "test"),
    experiments: new Set(ranked.map((candidate) => candidate.row.experiment)).size,
    next: next === undefined ? null : { ...next, pairs: pairTest(row, next.row) },
    tied: next?.validation.accuracy === validation.accuracy,
    elsewhere: [...new Map([...onOthers].reverse().map((other) => [other.row.runner, other])).values()],
  };
}

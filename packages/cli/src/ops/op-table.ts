import { deviceLabel, type OpVerdict } from "@thaw/core";
import Table from "cli-table3";
import { isWrong, type OpRun } from "./op-run.ts";

/** What came of one operation. */
export interface OpSummary {
  readonly op: string;
  readonly cases: number;
  /** Largest error over its bound among the cases that are right; 1 is the bound. */
  readonly worst: number;
  readonly wrong: number;
  readonly notImplemented: number;
}

/** Counts the verdicts by operation, in their order. */
export function summarize(verdicts: readonly OpVerdict[]): OpSummary[] {
  const ops = [...new Set(verdicts.map(({ op }) => op))];
  return ops.map((op) => {
    const own = verdicts.filter((verdict) => verdict.op === op);
    const right = own.filter(({ problems }) => problems.length === 0);
    const wrong = own.filter(isWrong).length;
    return {
      op,
      cases: own.length,
      worst: right.reduce((most, { worst }) => Math.max(most, worst), 0),
      wrong,
      notImplemented: own.length - right.length - wrong,
    };
  });
}

function findingLines({ verdicts }: OpRun): string[] {
  return verdicts
    .filter(({ problems }) => problems.length > 0)
    .flatMap(({ op, name, problems }) => problems.slice(0, 1).map((problem) => `  ${op} (${name}): ${problem}`));
}

/** Findings that are listed one by one; the others are in the file. */
const MOST_LINES = 20;

/** One runner's table, and what is wrong. */
export function opText(run: OpRun): string {
  const table = new Table({
    head: ["operation", "cases", "worst error / bound", "wrong", "not implemented"],
    style: { head: [], border: [] },
    colAligns: ["left", "right", "right", "right", "right"],
  });
  const summaries = summarize(run.verdicts);
  for (const { op, cases, worst, wrong, notImplemented } of summaries) {
    table.push([op, cases, worst.toPrecision(2), wrong || "", notImplemented || ""]);
  }
  const lines = findingLines(run);
  const more = lines.length > MOST_LINES ? [`  and ${lines.length - MOST_LINES} more`] : [];
  const wrong = run.verdicts.filter(isWrong).length;
  const ops = summaries.filter((summary) => summary.wrong > 0).length;
  return [
    `${run.runner}: ${run.environment.engine} on ${deviceLabel(run.environment)}`,
    table.toString(),
    ...lines.slice(0, MOST_LINES),
    ...more,
    `${run.verdicts.length} cases of ${summaries.length} operations, ${wrong} wrong in ${ops} operations, ${run.seconds.toFixed(1)} s`,
    "",
  ].join("\n");
}

import Table from "cli-table3";
import { intervalText } from "./bench-table.ts";
import { type Comparison, FEWEST_RUNS, type Verdict } from "./comparison.ts";

const WORDS: Readonly<Record<Verdict, string>> = {
  better: "better",
  worse: "WORSE",
  same: "within noise",
  few: `not judged: fewer than ${FEWEST_RUNS} runs`,
};

/** A comparison as a person reads it. */
export function comparisonText({ rows, left }: Comparison, threshold: number): string {
  const table = new Table({
    head: ["subject", "depth, batch", "measure", "gain (95 % interval)", "verdict"],
    style: { head: [], border: [] },
  });
  for (const { subject, depth, batchSize, measure, gain, runs, verdict } of rows) {
    table.push([subject, `${depth}, ${batchSize}`, measure.label, intervalText(gain, runs), WORDS[verdict]]);
  }
  const percent = (threshold * 100).toFixed(1).replace(/\.0$/, "");
  return [
    `Now against before: above 1 is better; a change counts where its whole interval is more than ${percent} % from 1`,
    ...(rows.length > 0 ? [table.toString()] : ["nothing in common"]),
    ...left.map((line) => `not compared: ${line}`),
  ].join("\n");
}

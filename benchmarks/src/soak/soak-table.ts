import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type SoakOutcome, soak } from "./soak-run.ts";
import type { Trend } from "./trend.ts";

// Runs cells back to back for MINUTES (120) on each of RUNNERS ("node,webgpu"), all at once, and tells what their
// processes held meanwhile. Writes benchmarks/results/soak.json.

const MINUTES = Number(process.env.MINUTES ?? 120);
const RUNNERS = (process.env.RUNNERS ?? "node,webgpu").split(",");
const TARGET = fileURLToPath(new URL("../../results/soak.json", import.meta.url));

/** Fewer have too few moments for a trend. */
const LEAST_MINUTES = 4;
if (!(MINUTES >= LEAST_MINUTES)) throw new Error(`MINUTES=${process.env.MINUTES}: give at least ${LEAST_MINUTES}.`);

const line = (cells: readonly unknown[]): string => `| ${cells.join(" | ")} |\n`;
const fine = (value: number): string => value.toFixed(2);
const megabytes = (value: number): string => (value / 1e6).toFixed(1);

function trendCells({ first, last, largest, anHour, plusMinus }: Trend, text: (value: number) => string): string[] {
  return [text(first), text(last), text(largest), `${text(anHour)} ± ${text(plusMinus)}`];
}

function rowsOf({ runner, roles, temporary, cacheBytes }: SoakOutcome): string[] {
  const kept = (what: string, cells: readonly string[]): string => line([runner, what, ...cells]);
  return [
    ...roles.flatMap(({ role, pssBytes, descriptors, threads }) => [
      kept(`${role}: memory, MB`, trendCells(pssBytes, megabytes)),
      kept(`${role}: descriptors`, trendCells(descriptors, fine)),
      kept(`${role}: threads`, trendCells(threads, fine)),
    ]),
    kept("entries in the temporary folder", trendCells(temporary, fine)),
    kept("kept outputs on disk, MB", trendCells(cacheBytes, megabytes)),
  ];
}

const outcomes = await Promise.all(RUNNERS.map((runner) => soak(runner, MINUTES)));
process.stdout.write(line(["runner", "hours", "cells", "failed", "processes seen", "orphans", "litter", "last again"]));
process.stdout.write(line(["---", "---:", "---:", "---:", "---:", "---:", "---:", "---"]));
for (const { runner, hours, cells, failed, processesSeen, orphans, litter, lastCellAgain } of outcomes) {
  process.stdout.write(
    line([runner, hours.toFixed(2), cells, failed, processesSeen, orphans, litter.length, lastCellAgain]),
  );
}
process.stdout.write(`\n${line(["runner", "what", "first sixth", "last sixth", "most", "an hour"])}`);
process.stdout.write(line(["---", "---", "---:", "---:", "---:", "---:"]));
for (const row of outcomes.flatMap(rowsOf)) process.stdout.write(row);
await mkdir(fileURLToPath(new URL("../../results/", import.meta.url)), { recursive: true });
await writeFile(TARGET, `${JSON.stringify(outcomes)}\n`);

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { cellCost, splitCells } from "@thaw/cli/internals";
import { type Result, randomStream } from "@thaw/core";
import { type Fleet, type SimulatedGrid, simulateGrid } from "./simulation.ts";

// What a grid of many cells on many machines takes, with failures: cells as long as real ones, split by `--shard` as it
// is. Deterministic.

const RECORDED = fileURLToPath(new URL("../../recorded/article-sweep-a", import.meta.url));
const { values } = parseArgs({
  options: {
    results: { type: "string", default: RECORDED },
    cells: { type: "string", default: "10000" },
    machines: { type: "string", default: "200" },
    "restart-minutes": { type: "string", default: "5" },
    "set-up-minutes": { type: "string", default: "3" },
    "checkpoint-minutes": { type: "string", default: "5" },
    "checkpoint-seconds": { type: "string", default: "1" },
    "slow-percent": { type: "string", default: "5" },
    slowness: { type: "string", default: "2" },
    seeds: { type: "string", default: "20" },
  },
});
const [cellCount, machines, seeds] = [Number(values.cells), Number(values.machines), Number(values.seeds)];
const MTBF_HOURS = [Number.POSITIVE_INFINITY, 168, 24, 4];

interface MeasuredCell {
  readonly hours: number;
  readonly cost: number;
  readonly name: string;
}

/** Cells as they were measured, the longest first. */
async function measuredCells(folder: string): Promise<readonly MeasuredCell[]> {
  const cells: MeasuredCell[] = [];
  for (const name of (await readdir(folder)).filter((entry) => entry.endsWith(".json"))) {
    const { timing, phases, data, cell } = JSON.parse(await readFile(join(folder, name), "utf8")) as Result;
    cells.push({ hours: timing.totalMs / 3_600_000, cost: cellCost(phases, data), name: cell });
  }
  return cells.sort((a, b) => b.hours - a.hours);
}

interface Way {
  readonly name: string;
  /** Whether each shard needs a set-up; else each machine one, whenever it starts. */
  readonly setUpEach: boolean;
  readonly shards: readonly (readonly number[])[];
}

/** Hours of each shard's cells, as `thaw sweep --shard` splits and orders them. */
function sharded(cells: readonly MeasuredCell[], count: number): Way {
  const shards = splitCells(
    cells.map(({ cost }) => ({ runner: "node", cost })),
    count,
  );
  const hours = Array.from({ length: count }, (): number[] => []);
  for (const [at, cell] of cells.entries()) hours[(shards[at] ?? 1) - 1]?.push(cell.hours);
  return { name: `${count} shards`, setUpEach: true, shards: hours };
}

function inTurn(cells: readonly MeasuredCell[], count: number): Way {
  const hours = Array.from({ length: count }, (): number[] => []);
  for (const [at, cell] of cells.entries()) hours[at % count]?.push(cell.hours);
  return { name: `${count} shards, dealt in turn`, setUpEach: true, shards: hours };
}

/** What Thaw has for browsers and not for machines: a queue of single cells, the costliest first. */
function queued(cells: readonly MeasuredCell[]): Way {
  const byCost = [...cells].sort((a, b) => b.cost - a.cost);
  return { name: "queue of cells", setUpEach: false, shards: byCost.map(({ hours }) => [hours]) };
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
}

/** Some machines are slower than the rest; which of them, the seed says. */
function slownessOf(seed: number): readonly number[] {
  const slow = Math.round((machines * Number(values["slow-percent"])) / 100);
  const all = Array.from({ length: machines }, (_, at) => (at < slow ? Number(values.slowness) : 1));
  return randomStream(seed, "slowness").shuffle(all);
}

function row(way: Way, mtbf: number, checkpointed: boolean): string {
  const setUp = Number(values["set-up-minutes"]) / 60;
  const restart = Number(values["restart-minutes"]) / 60;
  const checkpoints = checkpointed
    ? { every: Number(values["checkpoint-minutes"]) / 60, cost: Number(values["checkpoint-seconds"]) / 3600 }
    : null;
  const runs = Array.from({ length: seeds }, (_, seed): SimulatedGrid => {
    const each = way.setUpEach ? { restart, setUp } : { restart: restart + setUp, setUp: 0 };
    const fleet: Fleet = { machines, mtbf, ...each, slowness: slownessOf(seed) };
    const run = simulateGrid(way.shards, fleet, checkpoints, seed);
    return way.setUpEach ? run : { ...run, makespan: run.makespan + setUp };
  });
  const makespans = runs.map(({ makespan }) => makespan);
  const used = mean(runs.map(({ useful, makespan }) => useful / (makespan * machines)));
  const figures = [
    mtbf === Number.POSITIVE_INFINITY ? "never" : `${mtbf} h`,
    way.name,
    checkpointed ? `every ${values["checkpoint-minutes"]} min` : "none",
    `${mean(makespans).toFixed(1)} h (${Math.min(...makespans).toFixed(1)} to ${Math.max(...makespans).toFixed(1)})`,
    `${(used * 100).toFixed(0)} %`,
    mean(runs.map(({ lost }) => lost)).toFixed(0),
    mean(runs.map(({ overhead }) => overhead)).toFixed(0),
    mean(runs.map(({ failures }) => failures)).toFixed(0),
  ];
  return `| ${figures.join(" | ")} |`;
}

const measured = await measuredCells(values.results);
if (measured.length === 0) throw new Error(`There is no result in ${values.results}.`);
const cells = Array.from({ length: cellCount }, (_, at) => measured[at % measured.length]).filter(
  (cell) => cell !== undefined,
);
const work = cells.reduce((sum, { hours }) => sum + hours, 0);
for (const { name, hours } of measured) console.log(`${name}: ${(hours * 60).toFixed(1)} min`);
console.log(
  `${cellCount} cells, ${work.toFixed(0)} h; ${machines} machines, ${(work / machines).toFixed(1)} h each at best`,
);
console.log(
  "\n| machine fails every | split | checkpoints | makespan | used | lost, h | set-ups and checkpoints, h | failures |",
);
console.log("|---|---|---|---|---|---|---|---|");
const shardCounts = [1, 5, 10, 20].map((each) => each * machines);
const ways = [
  inTurn(cells, machines),
  ...shardCounts.filter((count) => count < cellCount).map((count) => sharded(cells, count)),
  queued(cells),
];
for (const mtbf of MTBF_HOURS) {
  for (const way of ways) {
    for (const checkpointed of mtbf === Number.POSITIVE_INFINITY ? [false] : [false, true]) {
      console.log(row(way, mtbf, checkpointed));
    }
  }
}

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { planner } from "@thaw/assets";
import { cellCost, type GridCell, openShard } from "@thaw/cli/internals";
import { cellName, expandGroup, parseSweep, type Result, resultOfPlan, type Sweep } from "@thaw/core";

const DEPTHS = [0, 50, 100, 154];
const RUNNER = "node";

/** A sweep of so many cells: four depths, with as many seeds as that takes. Its images are built in. */
export function largeSweep(cells: number): unknown {
  return {
    version: 1,
    name: "large",
    experiment: {
      version: 1,
      name: "large",
      model: { alpha: 0.35, imageSize: 32, weights: "random" },
      data: { kind: "builtin", name: "fashion-shoes" },
      split: { validation: 0.2, test: 0.2 },
      optimizer: { name: "adam", learningRate: 1e-3 },
      batchSize: 64,
      epochs: 50,
    },
    groups: [
      {
        name: "depth",
        vary: { freeze: DEPTHS },
        seeds: Array.from({ length: cells / DEPTHS.length }, (_, at) => at + 1),
      },
    ],
  };
}

/** A cell that was really run: its result, and its event log. */
export interface RealCell {
  readonly result: Result;
  readonly log: string;
}

export async function readRealCell(folder: string, cell: string): Promise<RealCell> {
  const result = JSON.parse(await readFile(join(folder, `${cell}.json`), "utf8")) as Result;
  return { result, log: await readFile(join(folder, `${cell}.events.jsonl`), "utf8") };
}

interface NamedCell extends GridCell {
  readonly planned: ReturnType<typeof resultOfPlan>;
}

async function planAll(sweep: Sweep, baseDir: string): Promise<readonly NamedCell[]> {
  const prepare = planner({ baseDir });
  const cells: NamedCell[] = [];
  for (const group of sweep.groups) {
    for (const { spec, label } of expandGroup(sweep, group)) {
      const { plan } = await prepare(spec);
      const cell = await cellName(plan, RUNNER, {});
      const planned = resultOfPlan(plan);
      const cost = cellCost(planned.phases, planned.data);
      cells.push({ cell, group: group.name, label, runner: RUNNER, cost, planned });
    }
  }
  return cells;
}

/** Makes every number of a result its own, as another seed's would be. */
function likeIt({ result }: RealCell, { cell, group, label, planned }: NamedCell, sweep: Sweep, at: number): Result {
  const shift = 1 + (at % 997) / 10_000;
  return {
    ...result,
    ...planned,
    cell,
    sweep: { name: sweep.name, group, label },
    finishedAt: new Date(Date.parse(result.finishedAt) + at * 1000).toISOString(),
    epochs: result.epochs.map((epoch) => ({ ...epoch, train: { ...epoch.train, loss: epoch.train.loss * shift } })),
    digests: { ...result.digests, final: at.toString(16).padStart(64, "0") },
  };
}

/**
 * Writes the folders of all shards of a sweep, as if each cell had been run: results and logs of the size of a real
 * one, under the names that `thaw sweep` looks for.
 * @returns bytes of the results and of the logs
 */
export async function writeShards(
  document: unknown,
  real: ReadonlyMap<number, RealCell>,
  folder: string,
  count: number,
): Promise<{ readonly results: number; readonly logs: number }> {
  const sweep = parseSweep(document, { where: "large" });
  const all = await planAll(sweep, folder);
  const table = all.map(({ planned: _planned, ...cell }) => cell);
  const bytes = { results: 0, logs: 0 };
  for (let index = 1; index <= count; index += 1) {
    const shardFolder = join(folder, `shard-${index}`);
    await mkdir(shardFolder, { recursive: true });
    const record = await openShard(shardFolder, sweep, table, { index, count });
    for (const [at, cell] of all.entries()) {
      if (!record.has(cell.cell)) continue;
      const source = real.get(Number(cell.planned.spec.freeze));
      if (source === undefined) throw new Error(`No real cell of depth ${String(cell.planned.spec.freeze)}.`);
      const text = `${JSON.stringify(likeIt(source, cell, sweep, at), null, 1)}\n`;
      await writeFile(join(shardFolder, `${cell.cell}.json`), text);
      await writeFile(join(shardFolder, `${cell.cell}.events.jsonl`), source.log);
      await record.done(cell.cell);
      bytes.results += text.length;
      bytes.logs += source.log.length;
    }
    await record.close();
  }
  return bytes;
}

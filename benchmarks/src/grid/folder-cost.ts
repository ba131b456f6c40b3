import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { largeSweep, type RealCell, readRealCell, writeShards } from "./many-results.ts";
import { type MeasuredCommand, measuredThaw } from "./measured-command.ts";

// What a grid's folder of results costs, and what Thaw does with it: a cell of each depth is run for real, the folders
// of all shards are filled with results like them, and then the real commands run over them.

const { values } = parseArgs({
  options: {
    cells: { type: "string", default: "10000" },
    shards: { type: "string", default: "200" },
    out: { type: "string" },
    /** Leaves the folder, for --from. */
    keep: { type: "boolean", default: false },
    /** A folder that was kept: nothing is trained or written anew. */
    from: { type: "string" },
  },
});
const cells = Number(values.cells);
const shards = Number(values.shards);

async function bytesIn(
  folder: string,
): Promise<{ readonly files: number; readonly bytes: number; readonly listMs: number }> {
  const started = performance.now();
  const names = await readdir(folder);
  const listMs = performance.now() - started;
  let bytes = 0;
  for (const name of names) bytes += (await stat(join(folder, name))).size;
  return { files: names.length, bytes, listMs };
}

function line({ command, seconds, cpuSeconds, peakRssBytes, exitCode }: MeasuredCommand): string {
  return `| \`${command}\` | ${exitCode ?? "killed"} | ${seconds.toFixed(1)} s | ${cpuSeconds.toFixed(1)} s | ${(peakRssBytes / 2 ** 20).toFixed(0)} MiB |`;
}

/** Trains a cell of each depth, and fills the shards' folders with results like them. */
async function fill(folder: string): Promise<void> {
  await writeFile(join(folder, "sweep.json"), JSON.stringify(largeSweep(cells)));
  const few = join(folder, "few.json");
  await writeFile(few, JSON.stringify(largeSweep(4)));
  const trained = await measuredThaw(["sweep", few, "--out", join(folder, "real")], "thaw sweep, 4 cells");
  if (trained.exitCode !== 0) throw new Error(trained.output);
  const real = new Map<number, RealCell>();
  for (const name of (await readdir(join(folder, "real"))).filter((entry) => entry.endsWith(".json"))) {
    const cell = await readRealCell(join(folder, "real"), name.replace(/\.json$/, ""));
    real.set(Number(cell.result.spec.freeze), cell);
  }
  const started = performance.now();
  const bytes = await writeShards(largeSweep(cells), real, folder, shards);
  console.log(`planned and written in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  console.log(`results ${(bytes.results / 1e6).toFixed(0)} MB, logs ${(bytes.logs / 1e6).toFixed(0)} MB`);
}

const folder = values.from ?? (await mkdtemp(join(tmpdir(), "thaw-grid-")));
try {
  const spec = join(folder, "sweep.json");
  if (values.from === undefined) await fill(folder);
  await rm(join(folder, "merged"), { recursive: true, force: true });
  console.log(`${cells} cells in ${shards} shards`);
  const merged = join(folder, "merged");
  const report = join(folder, "report.html");
  const folders = Array.from({ length: shards }, (_, at) => join(folder, `shard-${at + 1}`));
  const commands: readonly (readonly [readonly string[], string])[] = [
    [["merge", ...folders, "--out", merged], "thaw merge"],
    [["merge", ...folders, "--out", merged], "thaw merge, again"],
    [["report", merged, "--out", report, "--no-photos"], "thaw report"],
    [["sweep", spec, "--out", merged], "thaw sweep, all done before"],
    [
      ["sweep", spec, "--shard", `1/${shards}`, "--out", folders[0] ?? ""],
      `thaw sweep --shard 1/${shards}, all done before`,
    ],
  ];
  console.log("| command | exit | time | processor | peak memory |\n|---|---|---|---|---|");
  const measured: MeasuredCommand[] = [];
  for (const [args, shown] of commands) {
    const run = await measuredThaw(args, shown);
    measured.push(run);
    console.log(line(run));
    if (run.exitCode !== 0) console.log(run.output.slice(-1500));
  }
  const size = await bytesIn(merged);
  console.log(
    `merged: ${size.files} files, ${(size.bytes / 1e6).toFixed(0)} MB, listed in ${size.listMs.toFixed(0)} ms`,
  );
  const page = await stat(report).catch(() => null);
  console.log(`report: ${page === null ? "none" : `${(page.size / 1e6).toFixed(1)} MB`}`);
  if (values.out !== undefined) {
    await mkdir(join(values.out, ".."), { recursive: true });
    const rows = measured.map(({ output: _output, ...row }) => row);
    const record = { cells, shards, merged: size, reportBytes: page?.size ?? null, commands: rows };
    await writeFile(values.out, `${JSON.stringify(record, null, 2)}\n`);
  }
} finally {
  if (values.keep || values.from !== undefined) console.log(folder);
  else await rm(folder, { recursive: true, force: true });
}

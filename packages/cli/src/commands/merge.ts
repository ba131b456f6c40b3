import { resolve } from "node:path";
import { ThawError } from "@thaw/core";
import { EXIT } from "../exit-code.ts";
import { joinManifests, type MissingCells, missingCells } from "../grid/completeness.ts";
import { openCopier } from "../grid/copy-file.ts";
import {
  type GridFolder,
  type NamedGrid,
  type ReadTables,
  readGridFolder,
  writeManifest,
  writeTable,
} from "../grid/grid-files.ts";
import { type MergedResults, mergeResults } from "../grid/merge.ts";
import { shardText } from "../grid/shard.ts";

/** Options of `thaw merge`. */
export interface MergeCommandOptions {
  readonly out: string;
}

/** Cells that a line names; the rest is counted. */
const MOST_NAMED = 20;

interface SourceFolder extends GridFolder {
  readonly folder: string;
}

async function readFolders(folders: readonly string[], out: string): Promise<readonly SourceFolder[]> {
  const read: SourceFolder[] = [];
  const tables: ReadTables = new Map();
  for (const folder of new Set(folders.map((path) => resolve(path)))) {
    const found = await readGridFolder(folder, tables);
    if (found.grids.length === 0 && found.problems.length === 0) {
      throw new ThawError("shard-unknown", `${folder} has no folder grid that says which cells it should have.`, {
        hint: "Merge folders of `thaw sweep --shard i/n`; a sweep on one machine is --shard 1/1.",
      });
    }
    read.push({ folder, ...found });
  }
  const earlier = await readGridFolder(out, tables).catch(() => null); // a new folder
  return earlier === null ? read : [...read, { folder: resolve(out), ...earlier }];
}

/** @throws ThawError `sweep-mixed` where the folders are of different sweeps */
function refuseMixed(sources: readonly SourceFolder[]): void {
  const folders = new Map<string, string>();
  for (const { folder, grids } of sources) {
    for (const { table } of grids) {
      const [other] = [...folders].filter(([hash]) => hash !== table.sweep.hash);
      if (other !== undefined) {
        throw new ThawError("sweep-mixed", `${folder} has results of another sweep than ${other[1]}.`, {
          hint: `It is of "${table.sweep.name}" (${table.sweep.hash.slice(0, 12)}…). Every shard must be given the same sweep file and options; merge each sweep by itself.`,
        });
      }
      folders.set(table.sweep.hash, folder);
    }
  }
}

function named(cells: readonly string[]): string {
  const rest = cells.length - MOST_NAMED;
  return `${cells.slice(0, MOST_NAMED).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

function print(
  { copied, duplicates, there, conflicts, problems }: MergedResults,
  missing: readonly MissingCells[],
): void {
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  for (const { cell, files, at } of conflicts) {
    process.stderr.write(`conflict: ${cell}: ${files.join(" and ")} differ, first in ${at}\n`);
  }
  for (const { shard, cells, reason } of missing) {
    process.stderr.write(`missing: shard ${shardText(shard)}, ${cells.length} cells (${reason}): ${named(cells)}\n`);
  }
  const twice = duplicates === 0 ? "" : `; ${duplicates} were there twice, with the same numbers`;
  process.stdout.write(`Merged: ${copied} new, ${there.size} in all${twice}\n`);
}

function exitCode({ conflicts, problems }: MergedResults, missing: readonly MissingCells[]): number {
  if (conflicts.length > 0) return EXIT.parityFailed;
  if (problems.length > 0) return EXIT.badInput;
  return missing.length > 0 ? EXIT.gridIncomplete : EXIT.fine;
}

/**
 * `thaw merge FOLDER… --out DIR`: the results of shards in one folder, and what is missing by name.
 * @returns the exit code
 * @throws ThawError `result-unreadable`, `shard-unknown`, `sweep-mixed`, `result-unwritable`
 */
export async function mergeCommand(folders: readonly string[], { out }: MergeCommandOptions): Promise<number> {
  const sources = await readFolders(folders, out);
  refuseMixed(sources);
  const grids = new Map<string, NamedGrid>(sources.flatMap((source) => source.grids.map((grid) => [grid.hash, grid])));
  const manifests = joinManifests(sources.flatMap((source) => source.manifests));
  const known = new Set([...grids.values()].flatMap(({ table }) => table.cells.map(({ cell }) => cell)));
  const copier = await openCopier(out);
  let merged: MergedResults;
  try {
    merged = await mergeResults(folders, out, known, copier);
    for (const grid of grids.values()) await writeTable(out, grid);
    for (const manifest of manifests) await writeManifest(out, manifest);
  } finally {
    await copier.close();
  }
  const lost = sources.flatMap((source) => source.problems);
  const result = { ...merged, problems: [...lost, ...merged.problems] };
  const missing = [...grids.values()].flatMap((grid) => missingCells(grid, manifests, merged.there));
  print(result, missing);
  process.stdout.write(`Results: ${out}\n`);
  return exitCode(result, missing);
}

import { join, resolve } from "node:path";
import { type CellFiles, indexCells, type ReadCell, readCell } from "./cell-files.ts";
import type { FileCopier } from "./copy-file.ts";
import { numbersDiffer } from "./result-numbers.ts";

/** Two results of one cell that are not the same run twice. */
export interface Conflict {
  readonly cell: string;
  readonly files: readonly [string, string];
  /** First number that differs, as a path. */
  readonly at: string;
}

/** What a merge did with the results. */
export interface MergedResults {
  /** Cells, with their repeats, whose results are in the folder now. */
  readonly there: ReadonlySet<string>;
  readonly copied: number;
  /** Further results of cells that have one: the same numbers. */
  readonly duplicates: number;
  readonly conflicts: readonly Conflict[];
  /** Files that are no results, or of no cell of the sweep, each a sentence. */
  readonly problems: readonly string[];
}

interface Candidate extends ReadCell {
  readonly files: CellFiles;
  readonly isInPlace: boolean;
}

/** The one that is there first of all, then the earlier one; of equals the same one whatever the order of folders. */
function inOrder(a: Candidate, b: Candidate): number {
  const place = Number(b.isInPlace) - Number(a.isInPlace);
  if (place !== 0) return place;
  if (a.result.finishedAt !== b.result.finishedAt) return a.result.finishedAt < b.result.finishedAt ? -1 : 1;
  return Buffer.compare(a.bytes, b.bytes);
}

function fileOf({ files }: Candidate, cell: string): string {
  return join(files.folder, `${cell}.json`);
}

/** Copies what a cell has beside its result, from the folder of the kept result first; the result itself comes last. */
async function copyCell(copier: FileCopier, cell: string, [kept, ...rest]: readonly Candidate[]): Promise<void> {
  if (kept === undefined) return;
  for (const { files, isInPlace } of [kept, ...rest]) {
    if (isInPlace) continue;
    for (const other of files.others) await copier.copy(join(files.folder, `${cell}.${other}`), `${cell}.${other}`);
  }
  if (!kept.isInPlace) await copier.copy(fileOf(kept, cell), `${cell}.json`);
}

/**
 * Brings the results of several folders together in one, a cell at a time: what is there stays, of equal results the
 * earlier one is kept, and of two that differ in a number neither is copied.
 * @param known cells of the sweep
 * @throws ThawError `result-unwritable`
 */
export async function mergeResults(
  folders: readonly string[],
  outDir: string,
  known: ReadonlySet<string>,
  copier: FileCopier,
): Promise<MergedResults> {
  const sources = [...new Set([outDir, ...folders].map((folder) => resolve(folder)))];
  const { cells, strangers } = await indexCells(sources, known);
  const problems = strangers.map((file) => `${file} is of no cell of this sweep: left out`);
  const there = new Set<string>();
  const conflicts: Conflict[] = [];
  let copied = 0;
  let duplicates = 0;
  for (const [cell, found] of [...cells].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const candidates: Candidate[] = [];
    for (const files of found.filter(({ hasResult }) => hasResult)) {
      const read = await readCell(files.folder, cell);
      if (typeof read === "string") problems.push(`${read}: left out`);
      else candidates.push({ ...read, files, isInPlace: files.folder === sources[0] });
    }
    candidates.sort(inOrder);
    const [kept, ...others] = candidates;
    if (kept === undefined) continue;
    const differing = others.flatMap((other): Conflict[] => {
      const at = numbersDiffer(kept.result, other.result);
      return at === null ? [] : [{ cell, files: [fileOf(kept, cell), fileOf(other, cell)], at }];
    });
    conflicts.push(...differing);
    duplicates += others.length - differing.length;
    if (kept.isInPlace) there.add(cell);
    if (differing.length > 0) continue;
    await copyCell(copier, cell, candidates);
    there.add(cell);
    if (!kept.isInPlace) copied += 1;
  }
  return { there, copied, duplicates, conflicts, problems };
}

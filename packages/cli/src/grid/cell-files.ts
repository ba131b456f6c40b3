import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseJson, parseResult, type Result, ThawError } from "@thaw/core";

/** What lies of one cell in one folder, by name. */
export interface CellFiles {
  readonly folder: string;
  /** Whether `<cell>.json` is there. */
  hasResult: boolean;
  /** Models, event logs: whatever else begins with the cell's name, without the name. */
  readonly others: string[];
}

/** The files of many folders, by cell, and results that belong to no cell that is known. */
export interface CellIndex {
  readonly cells: ReadonlyMap<string, readonly CellFiles[]>;
  readonly strangers: readonly string[];
}

/** What a run leaves for itself, or was writing when it was killed. */
const PASSING = /(^|\.)(part|lock|tmp)$|^checkpoint/;

/** Splits `<cell>.r2.events.jsonl` into the cell, with its repeat, and the rest. */
function splitName(name: string, known: ReadonlySet<string>): { readonly cell: string; readonly rest: string } | null {
  for (const { index } of name.matchAll(/-[0-9a-f]{12}(?=\.)/g)) {
    const end = index + 13;
    if (!known.has(name.slice(0, end))) continue;
    const repeat = /^\.r\d+(?=\.)/.exec(name.slice(end))?.[0] ?? "";
    return { cell: name.slice(0, end) + repeat, rest: name.slice(end + repeat.length + 1) };
  }
  return null;
}

/**
 * Finds the files of cells in folders, by their names alone.
 * @param known cells of the grid
 */
export async function indexCells(folders: readonly string[], known: ReadonlySet<string>): Promise<CellIndex> {
  const cells = new Map<string, CellFiles[]>();
  const strangers: string[] = [];
  for (const folder of folders) {
    const here = new Map<string, CellFiles>();
    for (const name of (await readdir(folder)).sort()) {
      const found = splitName(name, known);
      if (found === null) {
        if (name.endsWith(".json")) strangers.push(join(folder, name));
        continue;
      }
      if (PASSING.test(found.rest)) continue;
      const files = here.get(found.cell) ?? { folder, hasResult: false, others: [] };
      here.set(found.cell, files);
      if (found.rest === "json") files.hasResult = true;
      else files.others.push(found.rest);
    }
    for (const [cell, files] of here) cells.set(cell, [...(cells.get(cell) ?? []), files]);
  }
  return { cells, strangers };
}

/** A result as it lies in a file. */
export interface ReadCell {
  readonly result: Result;
  readonly bytes: Buffer;
}

/** Reads a cell's result. @returns what is wrong with the file, in place of it */
export async function readCell(folder: string, cell: string): Promise<ReadCell | string> {
  const file = join(folder, `${cell}.json`);
  try {
    const bytes = await readFile(file);
    const result = parseResult(parseJson(bytes.toString("utf8")), file);
    return result.cell === cell ? { result, bytes } : `${file} is no result of this cell`;
  } catch (cause) {
    if (cause instanceof ThawError) return cause.message;
    return `${file} cannot be read: ${(cause as Error).message}`;
  }
}

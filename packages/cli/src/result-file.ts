import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseJson, parseResult, type Result, ThawError } from "@thaw/core";
import { writeWholeFile } from "./whole-file.ts";

/** What every record of a run has: a JSON file named after its cell. */
type CellRecord = Pick<Result, "cell">;

/**
 * Reads a record if it is there. A file that is none is an error: it is never replaced.
 * @param parse checks the document, and makes one of today of an older one
 * @throws ThawError `result-unreadable`, `version-newer`
 */
export async function readRecord<Kind extends CellRecord>(
  folder: string,
  cell: string,
  parse: (document: unknown, where: string) => Kind,
): Promise<Kind | null> {
  const file = join(folder, `${cell}.json`);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new ThawError("result-unreadable", `${file}: ${(cause as Error).message}.`, { cause });
  }
  try {
    const record = parse(parseJson(text), file);
    if (record.cell === cell) return record;
  } catch (error) {
    if (error instanceof ThawError && error.code === "version-newer") throw error;
    // falls through to the error below
  }
  throw new ThawError("result-unreadable", `${file} is no result of this cell.`, {
    hint: "Move the file away, or choose another folder with --out.",
  });
}

/** Reads a result if it is there; like {@link readRecord}. */
export function readResult(folder: string, cell: string): Promise<Result | null> {
  return readRecord(folder, cell, parseResult);
}

/**
 * Writes a result once: complete or not at all, and never over another.
 * @returns the file's path
 * @throws ThawError `result-exists`, `result-unwritable`
 */
export async function writeResult(folder: string, result: CellRecord): Promise<string> {
  const file = join(folder, `${result.cell}.json`);
  await writeWholeFile(file, `${JSON.stringify(result, null, 1)}\n`, {
    earlier: "refuse",
    takenHint: "Choose another folder with --out.",
    hint: "Check the folder's rights and the free space, or choose another with --out.",
  });
  return file;
}

/** The first free name of a repeated cell: `cell.r2`, `cell.r3`, … */
export async function repeatName(folder: string, cell: string): Promise<string> {
  for (let count = 2; ; count += 1) {
    const name = `${cell}.r${count}`;
    if ((await readResult(folder, name)) === null) return name;
  }
}

import { existsSync, readdirSync } from "node:fs";
import { mkdir, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { ThawError } from "@thaw/core";

/** @throws ThawError `result-exists` unless there is no such folder, or an empty one */
export function refuseTakenFolder(folder: string): void {
  if (!existsSync(folder)) return;
  let entries: readonly string[];
  try {
    entries = readdirSync(folder);
  } catch {
    throw new ThawError("result-exists", `${folder} is no folder that files could go to.`, {
      hint: "Choose another folder for --out.",
    });
  }
  if (entries.length === 0) return;
  throw new ThawError("result-exists", `${folder} exists and is not empty; exported files are never overwritten.`, {
    hint: "Choose another folder for --out: a model card belongs to the very files beside it.",
  });
}

/**
 * Writes a folder whole or not at all: the files lie in a folder beside it, which then gets its name.
 * @param files by path below the folder, `/` between the parts
 * @throws ThawError `result-exists`, `result-unwritable`
 */
export async function writeWholeFolder(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const target = resolve(folder);
  refuseTakenFolder(target);
  const temporary = `${target}.${process.pid}.part`;
  try {
    for (const [path, bytes] of files) {
      const file = join(temporary, ...path.split("/"));
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, bytes, { flush: true });
    }
    await rmdir(target).catch(() => undefined); // an empty one; what is not empty stays, and rename says so
    await rename(temporary, target);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOTEMPTY" || code === "EEXIST") refuseTakenFolder(target);
    throw new ThawError("result-unwritable", `${folder} cannot be written: ${message}.`, {
      hint: "Check the folder's rights and the free space.",
      cause,
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

import { existsSync, statSync } from "node:fs";
import { link, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ThawError } from "@thaw/core";

/** Names of what a profile leaves. */
const FILES = ["profile.json", "trace.json"] as const;

/** The files' contents. */
export type ProfileTexts = Readonly<Record<(typeof FILES)[number], string>>;

function unwritable(file: string, why: string, cause?: unknown): ThawError {
  return new ThawError("result-unwritable", `${file} cannot be written: ${why}.`, {
    hint: "Check the folder's rights and the free space, or choose another with --out.",
    cause,
  });
}

function exists(file: string, cause?: unknown): ThawError {
  return new ThawError("result-exists", `${file} exists; profiles are never overwritten.`, {
    hint: "Choose another folder with --out.",
    cause,
  });
}

/**
 * Looks before anything is measured whether the files can be written.
 * @throws ThawError `result-exists`, `result-unwritable`
 */
export function checkProfileFolder(folder: string): void {
  if (existsSync(folder) && !statSync(folder).isDirectory()) throw unwritable(folder, "it is no folder");
  for (const name of FILES) {
    const file = join(folder, name);
    if (existsSync(file)) throw exists(file);
  }
}

/**
 * Writes both files, each whole and never over another.
 * @returns their paths
 * @throws ThawError `result-exists`, `result-unwritable`
 */
export async function writeProfileFiles(folder: string, texts: ProfileTexts): Promise<readonly string[]> {
  const written: string[] = [];
  for (const name of FILES) {
    const file = join(folder, name);
    const temporary = `${file}.${process.pid}.part`;
    try {
      await mkdir(folder, { recursive: true });
      await writeFile(temporary, texts[name], { flush: true });
      await link(temporary, file); // fails where the file exists
      written.push(file);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "EEXIST") throw exists(file, cause);
      throw unwritable(file, (cause as Error).message, cause);
    } finally {
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }
  return written;
}

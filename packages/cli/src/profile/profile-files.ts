import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { ThawError } from "@thaw/core";
import { writeWholeFile } from "../whole-file.ts";

/** Names of what a profile leaves. */
const FILES = ["profile.json", "trace.json"] as const;

/** The files' contents. */
export type ProfileTexts = Readonly<Record<(typeof FILES)[number], string>>;

const HINT = "Check the folder's rights and the free space, or choose another with --out.";
const REFUSAL = "profiles are never overwritten";
const TAKEN_HINT = "Choose another folder with --out.";

/**
 * Looks before anything is measured whether the files can be written.
 * @throws ThawError `result-exists`, `result-unwritable`
 */
export function checkProfileFolder(folder: string): void {
  if (existsSync(folder) && !statSync(folder).isDirectory()) {
    throw new ThawError("result-unwritable", `${folder} cannot be written: it is no folder.`, { hint: HINT });
  }
  for (const name of FILES) {
    const file = join(folder, name);
    if (!existsSync(file)) continue;
    throw new ThawError("result-exists", `${file} exists; ${REFUSAL}.`, { hint: TAKEN_HINT });
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
    await writeWholeFile(file, texts[name], { earlier: "refuse", refusal: REFUSAL, takenHint: TAKEN_HINT, hint: HINT });
    written.push(file);
  }
  return written;
}

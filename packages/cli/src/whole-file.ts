import { link, rename, rm, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { ThawError } from "@thaw/core";
import { makeFolder } from "@thaw/runner-kit";

/** How a file may be written, and what to say where it cannot be. */
export interface WholeFileOptions {
  /** An earlier file: replaced, or in the way. */
  readonly earlier: "replace" | "refuse";
  /** What is said where an earlier file is in the way. */
  readonly refusal?: string;
  /** What to do where a file is in the way. */
  readonly takenHint?: string;
  /** What to do where it cannot be written. */
  readonly hint: string;
}

/**
 * Writes a file whole or not at all, and its folder if there is none.
 * @throws ThawError `result-exists`, `result-unwritable`
 */
export async function writeWholeFile(
  file: string,
  content: string | Uint8Array,
  options: WholeFileOptions,
): Promise<void> {
  const { earlier, refusal = "results are never overwritten", hint, takenHint = hint } = options;
  const temporary = `${file}.${process.pid}.part`;
  try {
    await makeFolder(dirname(resolve(file)));
    await writeFile(temporary, content, { flush: true });
    if (earlier === "replace") await rename(temporary, file);
    else await link(temporary, file); // fails where the file exists
  } catch (cause) {
    const { code, syscall, message } = cause as NodeJS.ErrnoException;
    // A folder's name that a file has is another matter: mkdir says EEXIST, too.
    if (code === "EEXIST" && syscall === "link") {
      throw new ThawError("result-exists", `${file} exists; ${refusal}.`, { hint: takenHint, cause });
    }
    throw new ThawError("result-unwritable", `${file} cannot be written: ${message}.`, { hint, cause });
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined); // else this error hides the first one
  }
}

import { readFile } from "node:fs/promises";
import { ThawError } from "@thaw/core";
import { writeWholeFile } from "../whole-file.ts";

/** What every report has in its head, so that it is known again. */
const MARK = '<meta name="generator" content="Thaw ';

/**
 * Writes a report, over an earlier report if need be and over nothing else.
 * @throws ThawError `result-exists`, `result-unwritable`
 */
export async function writePage(file: string, page: string): Promise<void> {
  const earlier = await readFile(file, "utf8").catch(() => "");
  if (earlier !== "" && !earlier.slice(0, 2000).includes(MARK)) {
    throw new ThawError("result-exists", `${file} exists and is no report of Thaw.`, {
      hint: "Choose another file for --out.",
    });
  }
  await writeWholeFile(file, page, {
    earlier: "replace",
    hint: "Check the folder's rights, or choose another with --out.",
  });
}

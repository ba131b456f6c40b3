import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Result } from "@thaw/core";

/** All results in a folder, by name. */
export function resultsIn(folder: string): Result[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  return names.sort().map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as Result);
}

/** The lines of a cell's event log. */
export function logOf(
  file: string,
): { readonly type: string; readonly time: string; readonly [key: string]: unknown }[] {
  const text = readFileSync(file, "utf8");
  if (!text.endsWith("\n")) throw new Error(`${file} ends within a line`);
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

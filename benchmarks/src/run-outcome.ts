import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { numbersOf } from "@thaw/cli/internals";
import type { Result } from "@thaw/core";

/** Results by cell, and other files whose bytes are to be the same. */
export type Outcome = ReadonlyMap<string, string>;

/** Every result in a folder; none where there is no folder. */
export function resultsIn(folder: string): Result[] {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".json")) : [];
  return names.map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as Result);
}

/** All of a result that two runs of its cell share, as a text. */
export function bitsOf(result: Result): string {
  return JSON.stringify(numbersOf(result));
}

/** What the runs in a folder came to, bit for bit. */
export function outcomeOf(folder: string): Outcome {
  const outcome = new Map(resultsIn(folder).map((result) => [result.cell, bitsOf(result)]));
  const weights = join(folder, "final.safetensors");
  if (existsSync(weights)) outcome.set("final.safetensors", readFileSync(weights).toString("base64"));
  return outcome;
}

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Result } from "@thaw/core";

/** Results by cell, and other files whose bytes are to be the same. */
export type Outcome = ReadonlyMap<string, string>;

export function resultsIn(folder: string): Result[] {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".json")) : [];
  return names.map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as Result);
}

/** All of a result that two runs share: everything but times, memory and whether it was resumed. */
function lastingOf({ digests, steps, predictions, certainty, final, epochs }: Result): string {
  const curves = epochs.map(({ epoch, phase, learningRate, train, validation }) => [
    epoch,
    phase,
    learningRate,
    train,
    validation,
  ]);
  return JSON.stringify([digests, steps, predictions, certainty, final, curves]);
}

/** What the runs in a folder came to, bit for bit. */
export function outcomeOf(folder: string): Outcome {
  const outcome = new Map(resultsIn(folder).map((result) => [result.cell, lastingOf(result)]));
  const weights = join(folder, "final.safetensors");
  if (existsSync(weights)) outcome.set("final.safetensors", readFileSync(weights).toString("base64"));
  return outcome;
}

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type EngineSettings, type Plan, parseSafetensors, type RunEvent, type RunOptions } from "@thaw/core";
import { createRunner } from "../src/index.ts";
import type { FinishedRun } from "./core-run.ts";

/** The judge. Few steps cost less op by op than compiled. */
export const JUDGE: EngineSettings = { dtype: "float64", step: "eager" };

/** All that the runner says. */
export async function kerasEvents(plan: Plan, options: RunOptions): Promise<readonly RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of createRunner("keras").run(plan, options)) events.push(event);
  return events;
}

/** Runs a plan by Keras in float64. */
export async function kerasRun(plan: Plan, storeDir: string): Promise<FinishedRun> {
  const exportWeights = join(storeDir, "final.safetensors");
  const end = (await kerasEvents(plan, { storeDir, settings: JUDGE, exportWeights })).at(-1);
  if (end?.type !== "end") throw new Error("Keras's run did not end");
  return { outcome: end.outcome, weights: parseSafetensors(readFileSync(exportWeights), "Keras") };
}

import { type Outcome, type Runner, ThawError } from "@thaw/core";
import { goldenPlan } from "./golden-comparison.ts";
import type { GoldenFile } from "./golden-file.ts";

/** How far a runner's losses of the golden case are from Keras's in float64. */
export interface GoldenLosses {
  readonly runner: string;
  readonly depth: number;
  /** Relative error of each step's loss. */
  readonly errors: readonly number[];
  readonly frozen: Outcome["digests"]["frozen"];
}

/** Runs one depth of the golden case on a runner, through its front door. */
export async function goldenLosses(golden: GoldenFile, runner: Runner, depth: number): Promise<GoldenLosses> {
  const { plan, storeDir } = await goldenPlan(depth);
  let outcome: Outcome | undefined;
  for await (const event of runner.run(plan, { storeDir, settings: {} })) {
    if (event.type === "end") outcome = event.outcome;
  }
  if (outcome === undefined) throw new ThawError("internal", `Runner "${runner.name}" gave no outcome.`);
  const { steps, digests } = outcome;
  const errors = golden
    .losses(depth)
    .map((loss, index) => Math.abs((steps?.[index]?.loss ?? Number.NaN) - loss) / loss);
  return { runner: runner.name, depth, errors, frozen: digests.frozen };
}

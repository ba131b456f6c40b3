import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  type EngineSettings,
  type Environment,
  type NamedTensors,
  type Outcome,
  type Plan,
  parseSafetensors,
  type Runner,
  STEP_FILE,
  ThawError,
  weightsFile,
} from "@thaw/core";
import type { Evidence } from "@thaw/core/parity";

/** A traced run to make. */
export interface TraceJob {
  readonly runner: Runner;
  readonly plan: Plan;
  readonly storeDir: string;
  readonly settings: EngineSettings;
  /** Steps after which to keep the weights, ascending. */
  readonly weightsAt: readonly number[];
  readonly signal: AbortSignal;
}

async function readTensors(folder: string, name: string): Promise<NamedTensors> {
  const file = join(folder, name);
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new ThawError("trace-incomplete", `The traced run left no ${name}.`, {
      hint: "The runner says that it traces and does not write what it should; see core's runner/trace.ts.",
      cause,
    });
  });
  return parseSafetensors(bytes, file);
}

/**
 * Runs a plan with a trace and reads it back; its files are gone afterwards.
 * @param scratchDir for the files while they are written
 * @throws ThawError what the run throws, and `trace-incomplete`
 */
export async function traceRun(job: TraceJob, scratchDir: string): Promise<Evidence> {
  const { runner, plan, storeDir, settings, weightsAt, signal } = job;
  await mkdir(scratchDir, { recursive: true });
  const folder = await mkdtemp(join(scratchDir, `trace-${runner.name}-`));
  let environment: Environment | undefined;
  let outcome: Outcome | undefined;
  try {
    for await (const event of runner.run(plan, { storeDir, settings, signal, trace: { folder, weightsAt } })) {
      if (event.type === "start") environment = event.environment;
      if (event.type === "end") outcome = event.outcome;
    }
    if (environment === undefined || outcome === undefined) {
      throw new ThawError("runner-crashed", `Runner "${runner.name}" ended without a result.`);
    }
    const firstStep = await readTensors(folder, STEP_FILE);
    const weights = new Map<number, NamedTensors>();
    for (const step of weightsAt) weights.set(step, await readTensors(folder, weightsFile(step)));
    return { runner: runner.name, environment, outcome, firstStep, weights };
  } finally {
    await rm(folder, { recursive: true, force: true });
    const left = await readdir(scratchDir).catch(() => ["unknown"]);
    if (left.length === 0) await rm(scratchDir, { recursive: true, force: true });
  }
}

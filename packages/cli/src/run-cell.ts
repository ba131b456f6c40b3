import { resolve } from "node:path";
import type { PreparedPlan } from "@thaw/assets";
import {
  type CacheBudget,
  cellName,
  type EngineSettings,
  type Environment,
  type Outcome,
  type Plan,
  type Result,
  type RunEvent,
  type Runner,
  resultOfPlan,
  serializeError,
  ThawError,
} from "@thaw/core";
import { cellProgress } from "./progress.ts";
import { refuseSoftware } from "./required-runner.ts";
import { readResult, repeatName, writeResult } from "./result-file.ts";
import { forgetWeights, saveModel, type WeightsOptions, weightsFiles } from "./saved-weights.ts";
import type { Tracker } from "./tracking/tracker.ts";
import type { Tracking } from "./tracking/tracking.ts";
import { VERSION } from "./version.ts";

/** How the command line asks for cells to be run. */
export interface CellOptions extends WeightsOptions {
  readonly outDir: string;
  readonly settings: EngineSettings;
  readonly rerun: boolean;
  readonly requireHardware: boolean;
  /** For outputs of frozen layers; the runner's default without it. */
  readonly cache?: CacheBudget;
  readonly tracking: Tracking;
  /** Is told of this cell alone. */
  readonly observer?: Tracker;
  /** Progress in lines, for cells that run beside each other; a line that changes on a terminal without it. */
  readonly plainProgress?: boolean;
  readonly signal: AbortSignal;
  readonly output: NodeJS.WriteStream;
}

/** A cell's result and where it lies. */
export interface CellRun {
  readonly result: Result;
  readonly file: string;
  /** False where the result was there from an earlier run. */
  readonly fresh: boolean;
}

/** What a phase does about its frozen layers, in a line. */
function cacheNote(event: RunEvent & { readonly type: "cache" }): string {
  const { where, layer, reason, savedMacs, recomputedMacs, phase } = event;
  if (where === "nowhere") {
    return recomputedMacs === 0 ? "" : `${phase}: outputs of frozen layers are not kept: ${reason}\n`;
  }
  const saved = (savedMacs / 1e6).toFixed(0);
  return `${phase}: outputs kept below ${layer}: ${reason}; spares ${saved} M multiply-accumulates an image from epoch 2 on\n`;
}

interface Trained {
  readonly environment: Environment;
  readonly outcome: Outcome;
  readonly warnings: Result["warnings"];
}

/** Runs a plan to its end, and tells the terminal and the trackers what the runner says. */
async function train(
  runner: Runner,
  { plan, storeDir }: PreparedPlan,
  weights: string | undefined,
  options: CellOptions,
): Promise<Trained> {
  const { settings, signal, output, cache, tracking } = options;
  const epochs = epochsOf(plan);
  const isPlain = options.plainProgress === true || output.isTTY !== true;
  const progress = cellProgress(`${plan.spec.name} on ${runner.name}`, epochs, output, isPlain);
  let environment: Environment | undefined;
  let outcome: Outcome | undefined;
  const warnings: { code: string; message: string }[] = [];
  try {
    const run = runner.run(plan, {
      storeDir,
      settings,
      signal,
      ...(cache === undefined ? {} : { cache }),
      ...(weights === undefined ? {} : { exportWeights: weights }),
    });
    for await (const event of run) {
      progress.event(event);
      tracking.event(event);
      if (event.type === "cache") output.write(cacheNote(event));
      if (event.type === "start") {
        environment = event.environment;
        if (options.requireHardware) refuseSoftware(environment); // the driver may have gone since the probe
      }
      if (event.type === "warning") warnings.push({ code: event.code, message: event.message });
      if (event.type === "end") outcome = event.outcome;
    }
  } finally {
    progress.close();
  }
  if (environment === undefined || outcome === undefined) {
    throw new ThawError("runner-crashed", `Runner "${runner.name}" ended without a result.`);
  }
  return { environment, outcome, warnings };
}

function epochsOf({ phases }: Plan): number {
  return phases.reduce((sum, phase) => sum + phase.epochs, 0);
}

/**
 * Runs one cell, unless its result is there already.
 * @throws ThawError what the runner throws, and `result-exists`
 */
export async function runCell(
  runner: Runner,
  prepared: PreparedPlan,
  sweep: Result["sweep"],
  options: CellOptions,
): Promise<CellRun> {
  const { plan } = prepared;
  const { outDir, settings, tracking } = options;
  const observers = options.observer === undefined ? [] : [options.observer];
  const name = await cellName(plan, runner.name, settings);
  const planned = { sweep, runner: runner.name, settings, epochs: epochsOf(plan), ...resultOfPlan(plan) };
  const earlier = await readResult(outDir, name);
  const wanted = await weightsFiles(options, outDir, name);
  if (earlier !== null && !options.rerun && wanted.isThere) {
    tracking.doneBefore({ cell: name, ...planned }, earlier, observers);
    return { result: earlier, file: resolve(outDir, `${name}.json`), fresh: false };
  }
  const cell = earlier === null ? name : await repeatName(outDir, name);
  const files = cell === name ? wanted : await weightsFiles(options, outDir, cell);
  await tracking.begin({ cell, ...planned }, observers);
  try {
    const { environment, outcome, warnings } = await train(runner, prepared, files.weights, options);
    const result: Result = {
      version: 1,
      cell,
      sweep,
      thawVersion: VERSION,
      runner: runner.name,
      finishedAt: new Date().toISOString(),
      ...resultOfPlan(plan),
      ...outcome,
      environment,
      warnings,
    };
    await saveModel(files, result);
    const file = await writeResult(outDir, result);
    await tracking.end({ result, file });
    return { result, file, fresh: true };
  } catch (error) {
    await tracking.end({ failure: serializeError(error) });
    throw error;
  } finally {
    await forgetWeights(files);
  }
}

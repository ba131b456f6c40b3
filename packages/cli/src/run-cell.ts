import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import type { PreparedPlan } from "@thaw/assets";
import {
  type CacheBudget,
  type CheckpointRequest,
  cellName,
  type EngineSettings,
  type Environment,
  FORMATS,
  type Outcome,
  type Plan,
  type Result,
  type RunEvent,
  type Runner,
  resultOfPlan,
  serializeError,
  ThawError,
} from "@thaw/core";
import { clearParts, lockCell } from "./cell-lock.ts";
import { checkpointFileOf, checkpointRequest } from "./checkpoint-options.ts";
import { cellProgress } from "./progress.ts";
import { refuseSoftware } from "./required-runner.ts";
import { readResult, repeatName, writeResult } from "./result-file.ts";
import { deliverWeights, prepareWeights, type WeightsOptions, wantsWeights, weightsFiles } from "./saved-weights.ts";
import type { TrackedCell, Tracker } from "./tracking/tracker.ts";
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
  /** Least time between two checkpoints, ms; null or absent: none. */
  readonly checkpointMs?: number | null;
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

/** Failures that the same plan comes to again, wherever it goes on. */
const FINAL: ReadonlySet<string> = new Set(["non-finite", "frozen-moved"]);

/** Runs a plan to its end, and tells the terminal and the trackers what the runner says. */
async function train(
  runner: Runner,
  { plan, storeDir }: PreparedPlan,
  { weights, checkpoint }: { readonly weights?: string; readonly checkpoint?: CheckpointRequest },
  options: CellOptions,
): Promise<Trained> {
  const { settings, signal, output, cache, tracking } = options;
  const epochs = epochsOf(plan);
  const isPlain = options.plainProgress === true || output.isTTY !== true;
  const title = `${plan.spec.name} on ${runner.name}`;
  const progress = cellProgress(title, epochs, output, isPlain);
  let checkpointStep: number | undefined;
  let environment: Environment | undefined;
  let outcome: Outcome | undefined;
  const warnings: { code: string; message: string }[] = [];
  try {
    const run = runner.run(plan, {
      storeDir,
      settings,
      signal,
      ...(cache === undefined ? {} : { cache }),
      ...(checkpoint === undefined ? {} : { checkpoint }),
      ...(weights === undefined ? {} : { exportWeights: weights }),
    });
    for await (const event of run) {
      progress.event(event);
      tracking.event(event);
      if (event.type === "checkpoint" || event.type === "resume") checkpointStep = event.step;
      if (event.type === "cache") output.write(cacheNote(event));
      if (event.type === "start") {
        environment = event.environment;
        if (options.requireHardware) refuseSoftware(environment); // the driver may have gone since the probe
      }
      if (event.type === "warning") warnings.push({ code: event.code, message: event.message });
      if (event.type === "end") outcome = event.outcome;
    }
  } catch (error) {
    progress.close();
    if (checkpointStep !== undefined && !FINAL.has(serializeError(error).code)) {
      output.write(`${title}: stopped. The same command goes on after step ${checkpointStep}.\n`);
    }
    throw error;
  }
  progress.close();
  if (environment === undefined || outcome === undefined) {
    throw new ThawError("runner-crashed", `Runner "${runner.name}" ended without a result.`);
  }
  return { environment, outcome, warnings };
}

function epochsOf({ phases }: Plan): number {
  return phases.reduce((sum, phase) => sum + phase.epochs, 0);
}

/**
 * Runs one cell, unless its result is there already; goes on from the checkpoint of a process that was killed.
 * @throws ThawError what the runner throws, `cell-locked`, and `result-exists`
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
  const doneBefore = async (): Promise<CellRun | null> => {
    const earlier = await readResult(outDir, name);
    if (earlier === null || options.rerun) return null;
    if (!(await deliverWeights(weightsFiles(options, outDir, name), earlier))) return null;
    await rm(checkpointFileOf(outDir, name), { force: true }); // of a process that was killed as it wrote the result
    tracking.doneBefore({ cell: name, ...planned }, earlier, observers);
    return { result: earlier, file: resolve(outDir, `${name}.json`), fresh: false };
  };
  const done = await doneBefore();
  if (done !== null) return done;
  const cell = (await readResult(outDir, name)) === null ? name : await repeatName(outDir, name);
  const lock = await lockCell(outDir, cell);
  try {
    const meanwhile = await doneBefore(); // by a process that had the lock
    if (meanwhile !== null) return meanwhile;
    return await runLocked(runner, prepared, { cell, ...planned }, observers, options);
  } finally {
    lock.release();
  }
}

/** Runs a cell that nobody else runs. */
async function runLocked(
  runner: Runner,
  prepared: PreparedPlan,
  planned: TrackedCell,
  observers: readonly Tracker[],
  options: CellOptions,
): Promise<CellRun> {
  const { outDir, tracking, checkpointMs } = options;
  const { cell, sweep } = planned;
  await clearParts(outDir, cell);
  const files = weightsFiles(options, outDir, cell);
  await prepareWeights(files);
  const checkpoint = checkpointRequest(runner, outDir, cell, checkpointMs);
  await tracking.begin(planned, observers);
  try {
    const asked = {
      ...(wantsWeights(files) ? { weights: files.part } : {}),
      ...(checkpoint === undefined ? {} : { checkpoint }),
    };
    const { environment, outcome, warnings } = await train(runner, prepared, asked, options);
    const result: Result = {
      version: FORMATS.result.version,
      cell,
      sweep,
      thawVersion: VERSION,
      runner: runner.name,
      finishedAt: new Date().toISOString(),
      ...resultOfPlan(prepared.plan),
      ...outcome,
      environment,
      warnings,
    };
    const file = await writeResult(outDir, result);
    await deliverWeights(files, result);
    await rm(checkpointFileOf(outDir, cell), { force: true });
    await tracking.end({ result, file });
    return { result, file, fresh: true };
  } catch (error) {
    await tracking.end({ failure: serializeError(error) });
    throw error;
  }
}

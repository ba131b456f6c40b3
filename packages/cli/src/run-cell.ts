import { resolve } from "node:path";
import type { PreparedPlan } from "@thaw/assets";
import {
  type CacheBudget,
  cellName,
  type EngineSettings,
  type Environment,
  type Outcome,
  type Result,
  type RunEvent,
  type Runner,
  resultOfPlan,
  serializeError,
  softwareRefused,
  ThawError,
} from "@thaw/core";
import type { CellObserver } from "./cell-observer.ts";
import { cellProgress } from "./progress.ts";
import { readResult, repeatName, writeResult } from "./result-file.ts";
import { forgetWeights, saveModel, type WeightsOptions, weightsFiles } from "./saved-weights.ts";
import { VERSION } from "./version.ts";

/** How the command line asks for cells to be run. */
export interface CellOptions extends WeightsOptions {
  readonly outDir: string;
  readonly settings: EngineSettings;
  readonly rerun: boolean;
  readonly requireHardware: boolean;
  /** For outputs of frozen layers; the runner's default without it. */
  readonly cache?: CacheBudget;
  readonly signal: AbortSignal;
  readonly output: NodeJS.WriteStream;
  readonly observer?: CellObserver;
}

/** A cell's result and where it lies. */
export interface CellRun {
  readonly result: Result;
  readonly file: string;
  /** False where the result was there from an earlier run. */
  readonly fresh: boolean;
}

/** @throws ThawError `software-adapter` where the GPU is emulated */
function refuseSoftware({ runner, device }: Environment): void {
  if (!device.software) return;
  throw softwareRefused(`Runner "${runner}" has an emulated GPU only (${device.name}).`);
}

/**
 * @throws ThawError `runner-unavailable` with the runner's own reason and hint, `software-adapter` where the GPU is
 *   emulated and that is not wanted
 */
export async function requireRunner(
  runner: Runner,
  settings: EngineSettings,
  requireHardware: boolean,
): Promise<Environment> {
  const availability = await runner.probe(settings);
  if (availability.ok) {
    if (requireHardware) refuseSoftware(availability.environment);
    return availability.environment;
  }
  const code = availability.code === "setting-invalid" ? availability.code : "runner-unavailable";
  throw new ThawError(code, `Runner "${runner.name}" cannot run here: ${availability.reason}`, {
    hint: availability.hint,
  });
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

/**
 * Runs one cell, unless its result is there already.
 * @throws ThawError what the runner throws, and `result-exists`
 */
export async function runCell(
  runner: Runner,
  { plan, storeDir }: PreparedPlan,
  sweep: Result["sweep"],
  options: CellOptions,
): Promise<CellRun> {
  const { outDir, settings, signal, output } = options;
  const name = await cellName(plan, runner.name, settings);
  const earlier = await readResult(outDir, name);
  const wanted = await weightsFiles(options, outDir, name);
  if (earlier !== null && !options.rerun && wanted.isThere) {
    return { result: earlier, file: resolve(outDir, `${name}.json`), fresh: false };
  }
  const cell = earlier === null ? name : await repeatName(outDir, name);
  const files = cell === name ? wanted : await weightsFiles(options, outDir, cell);
  const epochs = plan.phases.reduce((sum, phase) => sum + phase.epochs, 0);
  const progress = cellProgress(`${plan.spec.name} on ${runner.name}`, epochs, output);
  let environment: Environment | undefined;
  let outcome: Outcome | undefined;
  const warnings: { code: string; message: string }[] = [];
  options.observer?.begin({ cell, runner: runner.name, plan, sweep });
  try {
    const run = runner.run(plan, {
      storeDir,
      settings,
      signal,
      ...(options.cache === undefined ? {} : { cache: options.cache }),
      ...(files.weights === undefined ? {} : { exportWeights: files.weights }),
    });
    for await (const event of run) {
      progress.event(event);
      options.observer?.event(event);
      if (event.type === "cache") output.write(cacheNote(event));
      if (event.type === "start") {
        environment = event.environment;
        if (options.requireHardware) refuseSoftware(environment); // the driver may have gone since the probe
      }
      if (event.type === "warning") warnings.push({ code: event.code, message: event.message });
      if (event.type === "end") outcome = event.outcome;
    }
  } catch (error) {
    options.observer?.end({ failure: serializeError(error) });
    await forgetWeights(files);
    throw error;
  } finally {
    progress.close();
  }
  if (environment === undefined || outcome === undefined) {
    throw new ThawError("runner-crashed", `Runner "${runner.name}" ended without a result.`);
  }
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
  try {
    await saveModel(files, result);
    const file = await writeResult(outDir, result);
    options.observer?.end({ result });
    return { result, file, fresh: true };
  } finally {
    await forgetWeights(files);
  }
}

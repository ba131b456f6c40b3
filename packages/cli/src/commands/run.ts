import { preparePlan } from "@thaw/assets";
import { ThawError } from "@thaw/core";
import { type CacheOptions, cacheBudget } from "../cache-budget.ts";
import { type CheckpointOptions, checkpointEveryMs } from "../checkpoint-options.ts";
import { EXIT } from "../exit-code.ts";
import { onInterrupt } from "../interrupt.ts";
import { prepareNotes } from "../notes.ts";
import { findRunner } from "../registry.ts";
import { requireRunner } from "../required-runner.ts";
import { runCell } from "../run-cell.ts";
import type { RunOptions } from "../run-options.ts";
import { parseSettings, plainKernelSetting } from "../settings.ts";
import { readSpecFile } from "../spec-file.ts";
import { resultTable } from "../table.ts";
import { openTracking, type TrackingOptions } from "../tracking/open-tracking.ts";

/** Options of `thaw run`. */
export interface RunCommandOptions extends RunOptions, CacheOptions, CheckpointOptions, TrackingOptions {
  readonly exportWeights?: string;
  readonly saveModel?: string;
}

/**
 * `thaw run SPEC`: one experiment on one runner.
 * @returns the exit code
 */
export async function runCommand(specPath: string, options: RunCommandOptions): Promise<number> {
  const file = await readSpecFile(specPath);
  if (file.kind === "sweep") {
    throw new ThawError("spec-invalid", `${specPath} is a sweep (it has groups), not one experiment.`, {
      hint: `Use: thaw sweep ${specPath}`,
    });
  }
  const runner = await findRunner(options.runner);
  const settings = parseSettings(
    [...options.set, ...plainKernelSetting(options.plainKernel)],
    [runner.name],
  )(runner.name);
  const { requireHardware } = options;
  const cache = cacheBudget(options);
  const checkpointMs = checkpointEveryMs(options);
  const tracking = await openTracking(options, options.out, file.spec.name, process.stderr);
  const interrupt = onInterrupt(process.stderr);
  try {
    await requireRunner(runner, settings, requireHardware);
    const prepared = await preparePlan(file.spec, { baseDir: file.baseDir, onNote: prepareNotes(process.stderr) });
    const {
      result,
      file: resultFile,
      fresh,
    } = await runCell(runner, prepared, null, {
      outDir: options.out,
      settings,
      rerun: options.rerun,
      requireHardware,
      cache,
      checkpointMs,
      ...(options.exportWeights === undefined ? {} : { exportWeights: options.exportWeights }),
      ...(options.saveModel === undefined ? {} : { saveModel: options.saveModel }),
      tracking,
      signal: interrupt.signal,
      output: process.stderr,
    });
    process.stdout.write(`${resultTable([{ cell: prepared.plan.spec.name, runner: runner.name, result }])}\n`);
    process.stdout.write(`${fresh ? "Result" : "Result from an earlier run"}: ${resultFile}\n`);
    if (options.saveModel !== undefined) process.stdout.write(`Model: ${options.saveModel}\n`);
    if (options.exportWeights !== undefined) process.stdout.write(`Weights: ${options.exportWeights}\n`);
  } finally {
    await runner.close?.();
    await tracking.close();
    interrupt.dispose();
  }
  return tracking.lost ? EXIT.trackingFailed : EXIT.fine;
}

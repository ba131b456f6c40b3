import { type PreparedPlan, preparePlan } from "@thaw/assets";
import {
  deviceLabel,
  type ExpandedCell,
  expandGroup,
  type FreezePolicy,
  type Result,
  type Runner,
  type Sweep,
  serializeError,
  ThawError,
} from "@thaw/core";
import { type CacheOptions, cacheBudget } from "../cache-budget.ts";
import { type CheckpointOptions, checkpointEveryMs } from "../checkpoint-options.ts";
import { EXIT, exitCodeOf } from "../exit-code.ts";
import { onInterrupt } from "../interrupt.ts";
import type { QueuedCell } from "../live/live-board.ts";
import { type LiveSweep, liveSweep } from "../live/live-sweep.ts";
import { prepareNotes } from "../notes.ts";
import { parityTable } from "../parity-table.ts";
import { findRunner } from "../registry.ts";
import { requireRunner } from "../required-runner.ts";
import { type CellOptions, runCell } from "../run-cell.ts";
import type { RunOptions } from "../run-options.ts";
import { parseSettings, plainKernelSetting, type SettingsOf } from "../settings.ts";
import { readSpecFile } from "../spec-file.ts";
import { askedSweep, type VaryOptions } from "../sweep-options.ts";
import { resultTable, type TableRow } from "../table.ts";
import { openTracking, type TrackingOptions } from "../tracking/open-tracking.ts";

/** Options of `thaw sweep`. */
export interface SweepCommandOptions extends RunOptions, CacheOptions, CheckpointOptions, TrackingOptions, VaryOptions {
  readonly group?: string;
  readonly saveModels: boolean;
  readonly ui: boolean;
}

/** Freeze policy of the row with the best validation accuracy; the earlier of equals. */
function bestFreeze(group: string, results: readonly Result[]): FreezePolicy {
  const accuracy = (result: Result): number => result.final.validation?.accuracy ?? result.final.train.accuracy;
  const [best] = [...results].sort((a, b) => accuracy(b) - accuracy(a));
  if (best === undefined) {
    throw new ThawError("sweep-incomplete", `Group "${group}" has no result to take the best freeze policy from.`, {
      hint: "Mend the cells that failed and run the sweep again: finished cells are kept.",
    });
  }
  return best.spec.freeze;
}

interface SweepRun {
  readonly sweep: Sweep;
  readonly runners: readonly Runner[];
  readonly baseDir: string;
  readonly cellOptions: Omit<CellOptions, "settings">;
  readonly settingsOf: SettingsOf;
  readonly rows: TableRow[];
  readonly note: (text: string) => void;
  readonly live: LiveSweep | null;
  worstExit: number;
}

interface PreparedCell {
  readonly cell: ExpandedCell;
  readonly prepared: PreparedPlan;
  /** On the live page, by runner. */
  readonly queued: ReadonlyMap<string, QueuedCell>;
}

/** Plans every cell of a group before any of them runs, so that bad input shows at once. */
async function prepareGroup(
  run: SweepRun,
  group: Sweep["groups"][number],
  best?: FreezePolicy,
): Promise<PreparedCell[]> {
  const cells: PreparedCell[] = [];
  for (const cell of expandGroup(run.sweep, group, best)) {
    const prepared = await preparePlan(cell.spec, { baseDir: run.baseDir, onNote: run.note });
    const place = { name: run.sweep.name, group: cell.group, label: cell.label };
    const queued = new Map<string, QueuedCell>();
    for (const { name } of run.runners) {
      if (run.live !== null) queued.set(name, run.live.board.queue(place, prepared.plan, name));
    }
    cells.push({ cell, prepared, queued });
  }
  return cells;
}

/** A cell that somebody cancelled has no result, and is run by the next sweep. */
function skipCancelled(run: SweepRun, cell: ExpandedCell, runner: Runner): null {
  process.stderr.write(`${cell.spec.name} on ${runner.name}: cancelled; the same command runs it again\n`);
  run.rows.push({ cell: `${cell.group}:\n${cell.label}`, runner: runner.name, result: null, failure: "cancelled" });
  run.worstExit = run.worstExit === EXIT.fine ? EXIT.interrupted : run.worstExit;
  return null;
}

async function runOne(run: SweepRun, { cell, prepared, queued }: PreparedCell, runner: Runner): Promise<Result | null> {
  const { sweep, cellOptions } = run;
  const rowName = `${cell.group}:\n${cell.label}`;
  const watched = queued.get(runner.name);
  const signal = AbortSignal.any([cellOptions.signal, ...(watched === undefined ? [] : [watched.signal])]);
  const isCancelled = (): boolean => watched?.signal.aborted === true && !cellOptions.signal.aborted;
  if (isCancelled()) return skipCancelled(run, cell, runner);
  try {
    const place = { name: sweep.name, group: cell.group, label: cell.label };
    const { result, fresh } = await runCell(runner, prepared, place, {
      ...cellOptions,
      signal,
      settings: run.settingsOf(runner.name),
      ...(watched === undefined ? {} : { observer: watched.observer }),
    });
    if (!fresh) process.stderr.write(`${cell.spec.name} on ${runner.name}: done before, ${result.cell}.json\n`);
    run.rows.push({ cell: rowName, runner: runner.name, result });
    return result;
  } catch (error) {
    const failure = serializeError(error);
    const exitCode = exitCodeOf(failure);
    if (exitCode === EXIT.interrupted && isCancelled()) return skipCancelled(run, cell, runner);
    // Bad input hits every cell; a crash, or a device that has gone, perhaps only this one.
    if (exitCode === EXIT.badInput || exitCode === EXIT.interrupted) throw error;
    process.stderr.write(`${cell.spec.name} on ${runner.name}: failed (${failure.code}): ${failure.message}\n`);
    run.rows.push({ cell: rowName, runner: runner.name, result: null, failure: `failed: ${failure.code}` });
    run.worstExit = exitCode;
    return null;
  }
}

async function runGroups(run: SweepRun, only: string | undefined): Promise<void> {
  const results = new Map<string, Result[]>();
  const groups = run.sweep.groups.filter((group) => only === undefined || group.name === only);
  const planned = new Map<string, PreparedCell[]>();
  for (const group of groups) if (group.bestOf === undefined) planned.set(group.name, await prepareGroup(run, group));
  for (const group of groups) {
    const cells =
      planned.get(group.name) ??
      (await prepareGroup(run, group, bestFreeze(group.bestOf ?? "", results.get(group.bestOf ?? "") ?? [])));
    const done: Result[] = [];
    for (const cell of cells) {
      for (const runner of run.runners) {
        const result = await runOne(run, cell, runner);
        if (result !== null) done.push(result);
      }
    }
    results.set(group.name, done);
  }
}

async function requireRunners(
  runners: readonly Runner[],
  settingsOf: SettingsOf,
  requireHardware: boolean,
): Promise<void> {
  for (const runner of runners) {
    const environment = await requireRunner(runner, settingsOf(runner.name), requireHardware);
    const { note } = environment.device;
    const why = note === undefined ? "" : `; no GPU: ${note}`;
    process.stderr.write(`runner ${runner.name}: ${environment.engine} on ${deviceLabel(environment)}${why}\n`);
  }
}

/**
 * `thaw sweep SPEC`: every cell on every runner, going on where an earlier run stopped.
 * @returns the exit code
 */
export async function sweepCommand(specPath: string, options: SweepCommandOptions): Promise<number> {
  const file = await readSpecFile(specPath);
  const sweep = askedSweep(file, specPath, options);
  if (options.group !== undefined && !sweep.groups.some((group) => group.name === options.group)) {
    throw new ThawError("option-invalid", `--group: sweep "${sweep.name}" has no group "${options.group}".`, {
      hint: `It has ${sweep.groups.map((group) => group.name).join(", ")}.`,
    });
  }
  const runners = await Promise.all(options.runner.split(",").map((name) => findRunner(name.trim())));
  const settingsOf = parseSettings(
    [...options.set, ...plainKernelSetting(options.plainKernel)],
    runners.map(({ name }) => name),
  );
  const { out: outDir, rerun, requireHardware } = options;
  const cache = cacheBudget(options);
  const checkpointMs = checkpointEveryMs(options);
  const output = process.stderr;
  const tracking = await openTracking(options, outDir, sweep.name, output);
  const interrupt = onInterrupt(output);
  const { signal } = interrupt;
  const saveModelBeside = options.saveModels;
  const cellOptions = {
    outDir,
    rerun,
    requireHardware,
    cache,
    checkpointMs,
    saveModelBeside,
    tracking,
    signal,
    output,
  };
  const note = prepareNotes(process.stderr);
  const { baseDir } = file;
  const live = options.ui ? await liveSweep(sweep.name) : null;
  const state = { rows: [], note, live, worstExit: EXIT.fine };
  const run: SweepRun = { sweep, runners, baseDir, cellOptions, settingsOf, ...state };
  let ending = "The sweep is over.";
  try {
    if (live !== null) process.stderr.write(`Watch it at ${live.url}\n`);
    await requireRunners(runners, settingsOf, requireHardware);
    await runGroups(run, options.group);
  } catch (error) {
    ending = `The sweep ended early: ${serializeError(error).message}`;
    if (serializeError(error).code !== "cancelled") throw error;
    process.stderr.write(`Stopped. Finished cells are in ${outDir}; the same command goes on from there.\n`);
    run.worstExit = EXIT.interrupted;
  } finally {
    for (const runner of runners) await runner.close?.();
    await tracking.close();
    interrupt.dispose();
    if (run.rows.length > 0) process.stdout.write(`${resultTable(run.rows)}\n`);
    if (runners.length > 1) process.stdout.write(parityTable(run.rows));
    await live?.end(
      run.rows.flatMap(({ result }) => result ?? []),
      outDir,
      ending,
    );
  }
  process.stdout.write(`Results: ${outDir}\n`);
  return run.worstExit === EXIT.fine && tracking.lost ? EXIT.trackingFailed : run.worstExit;
}

import { type PreparedPlan, planner } from "@thaw/assets";
import { type Result, type RunnerPlace, type SerializedError, type Spec, serializeError, ThawError } from "@thaw/core";
import { type CacheOptions, cacheBudget } from "../cache-budget.ts";
import { type CheckpointOptions, checkpointEveryMs } from "../checkpoint-options.ts";
import { EXIT, exitCodeOf } from "../exit-code.ts";
import { bestFreeze } from "../grid/best-freeze.ts";
import { parseShard, type Shard } from "../grid/shard.ts";
import { openShard, type ShardRecord } from "../grid/shard-record.ts";
import { onInterrupt } from "../interrupt.ts";
import { type LiveSweep, liveSweep } from "../live/live-sweep.ts";
import { prepareNotes } from "../notes.ts";
import { parityTable } from "../parity-table.ts";
import { type PlaceEnding, runAtPlaces } from "../place-queue.ts";
import { findRunner } from "../registry.ts";
import { type CellOptions, runCell } from "../run-cell.ts";
import type { RunOptions } from "../run-options.ts";
import { parseSettings, plainKernelSetting } from "../settings.ts";
import { partSharer } from "../shared-parts.ts";
import { readSpecFile } from "../spec-file.ts";
import { askedSweep, type VaryOptions } from "../sweep-options.ts";
import { openPlaces, type PlacesOf } from "../sweep-places.ts";
import { planGroup, planGroups, type SweepPlanning, type Task } from "../sweep-tasks.ts";
import { resultTable, type TableRow } from "../table.ts";
import { openTracking, type TrackingOptions } from "../tracking/open-tracking.ts";

/** Options of `thaw sweep`. */
export interface SweepCommandOptions extends RunOptions, CacheOptions, CheckpointOptions, TrackingOptions, VaryOptions {
  readonly group?: string;
  /** i/n: this machine's part. */
  readonly shard?: string;
  /** Folder with the results of the groups that others take their freeze policy from; that of the results without it. */
  readonly bestFrom?: string;
  readonly saveModels: boolean;
  readonly ui: boolean;
}

interface SweepRun extends SweepPlanning {
  placesOf: PlacesOf;
  readonly cellOptions: Omit<CellOptions, "settings">;
  readonly shard: Shard | undefined;
  readonly live: LiveSweep | null;
  /** Tasks in the order of the sweep, each with its row once it has run. */
  readonly rows: Map<Task, TableRow | null>;
  readonly share: (result: Result) => Result;
  record: ShardRecord | undefined;
  worstExit: number;
}

/** A cell that takes so many places with it is at fault itself. */
const MOST_LOSSES = 2;

async function queueOnPage({ live, sweep, prepare }: SweepRun, tasks: readonly Task[]): Promise<void> {
  if (live === null) return;
  for (const task of tasks) {
    const { plan } = await prepare(task.spec);
    task.queued = live.board.queue({ name: sweep.name, group: task.group, label: task.label }, plan, task.runner.name);
  }
}

function setRow(run: SweepRun, task: Task, row: Pick<TableRow, "result" | "failure">): void {
  run.rows.set(task, { cell: `${task.group}:\n${task.label}`, runner: task.runner.name, ...row });
}

/** A cell that somebody cancelled has no result, and is run by the next sweep. */
function skipCancelled(run: SweepRun, task: Task): void {
  process.stderr.write(`${task.spec.name} on ${task.runner.name}: cancelled; the same command runs it again\n`);
  setRow(run, task, { result: null, failure: "cancelled" });
  run.worstExit = run.worstExit === EXIT.fine ? EXIT.interrupted : run.worstExit;
}

/** Whether a cell failed because the place that it ran at is gone, so that it is to run elsewhere. */
async function isLost(run: SweepRun, task: Task, place: RunnerPlace, exitCode: number): Promise<boolean> {
  if (task.runner.places === undefined || (exitCode !== EXIT.cellCrashed && exitCode !== EXIT.runnerMissing))
    return false;
  if ((await place.runner.probe(run.settingsOf(task.runner.name))).ok) return false;
  task.losses += 1;
  return task.losses < MOST_LOSSES;
}

async function runOne(run: SweepRun, task: Task, place: RunnerPlace): Promise<PlaceEnding> {
  const { sweep, cellOptions } = run;
  const { spec, runner, queued, cell, group, label } = task;
  const title = `${spec.name} on ${runner.name}`;
  const signal = AbortSignal.any([cellOptions.signal, ...(queued === undefined ? [] : [queued.signal])]);
  const isCancelled = (): boolean => queued?.signal.aborted === true && !cellOptions.signal.aborted;
  try {
    if (isCancelled()) throw new ThawError("cancelled", "The cell was cancelled before it began.");
    const prepared = await run.prepare(spec);
    const { result, fresh } = await runCell(
      place.runner,
      prepared,
      { name: sweep.name, group, label },
      {
        ...cellOptions,
        signal,
        settings: run.settingsOf(runner.name),
        ...(runner.places === undefined ? {} : { tracking: cellOptions.tracking.beside(), plainProgress: true }),
        ...(queued === undefined ? {} : { observer: queued.observer }),
      },
    );
    if (!fresh) process.stderr.write(`${title}: done before, ${result.cell}.json\n`);
    setRow(run, task, { result: run.share(result) });
    await run.record?.done(cell);
  } catch (error) {
    const failure = serializeError(error);
    const exitCode = exitCodeOf(failure);
    if (exitCode === EXIT.interrupted && isCancelled()) skipCancelled(run, task);
    // Bad input hits every cell; a crash, or a device that has gone, perhaps only this one.
    else if (exitCode === EXIT.badInput || exitCode === EXIT.interrupted) throw error;
    else if (await isLost(run, task, place, exitCode)) return { lost: true, failure };
    else {
      process.stderr.write(`${title}: failed (${failure.code}): ${failure.message}\n`);
      setRow(run, task, { result: null, failure: `failed: ${failure.code}` });
      run.worstExit = exitCode;
      await run.record?.failed(cell, failure);
    }
  }
  return { lost: false };
}

/** Runs cells: those of runners with several places beside each other, all others one after the other. */
async function runTasks(run: SweepRun, tasks: readonly Task[]): Promise<void> {
  const work = (task: Task, place: RunnerPlace): Promise<PlaceEnding> => runOne(run, task, place);
  const onLost = ({ name }: RunnerPlace, { spec, runner }: Task, { code, message }: SerializedError): void => {
    process.stderr.write(`runner ${runner.name} at ${name} is gone (${code}): ${message}\n`);
    process.stderr.write(`${spec.name} on ${runner.name}: goes back to the queue\n`);
  };
  const here = tasks.filter(({ runner }) => runner.places === undefined);
  const queues = run.runners.flatMap((runner) => {
    const own = tasks.filter((task) => task.runner === runner);
    return runner.places === undefined ? [] : [{ tasks: own, places: run.placesOf(runner) }];
  });
  const inTurn = async (): Promise<void> => {
    for (const task of here) await runOne(run, task, { name: task.runner.name, runner: task.runner });
  };
  const endings = await Promise.allSettled([
    inTurn(),
    ...queues.map((queue) => runAtPlaces({ ...queue, work, onLost })),
  ]);
  for (const ending of endings) if (ending.status === "rejected") throw ending.reason;
}

async function runGroups(run: SweepRun, only: string | undefined): Promise<void> {
  const groups = run.sweep.groups.filter((group) => only === undefined || group.name === only);
  const planned = await planGroups(run, groups, run.shard === undefined);
  if (run.shard !== undefined) {
    const cells = [...planned.values()].flat().map(({ cell, group, label, runner, cost }) => {
      return { cell, group, label, runner: runner.name, cost };
    });
    run.record = await openShard(run.cellOptions.outDir, run.sweep, cells, run.shard);
  }
  for (const group of groups) {
    const rows = [...run.rows].flatMap(([task, row]) => (task.group === group.bestOf ? (row?.result ?? []) : []));
    const all = planned.get(group) ?? (await planGroup(run, group, bestFreeze(group.bestOf ?? "", rows)));
    const tasks = all.filter(({ cell }) => run.record?.has(cell) ?? true);
    for (const task of tasks) run.rows.set(task, null);
    await queueOnPage(run, tasks);
    await runTasks(run, tasks);
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
  const shard = options.shard === undefined ? undefined : parseShard(options.shard);
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
  const planOf = planner({ baseDir: file.baseDir, onNote: prepareNotes(process.stderr) });
  const prepare = (spec: Spec): Promise<PreparedPlan> => {
    if (signal.aborted) throw new ThawError("cancelled", "The sweep was cancelled while its cells were planned.");
    return planOf(spec);
  };
  const live = options.ui ? await liveSweep(sweep.name) : null;
  const given = { sweep, runners, prepare, cellOptions, settingsOf, bestFrom: options.bestFrom ?? outDir, shard };
  const say = (text: string): boolean => output.write(text);
  const state = { rows: new Map(), share: partSharer(), record: undefined, placesOf: () => [], worstExit: EXIT.fine };
  const run: SweepRun = { ...given, say, live, ...state };
  let ending = "The sweep is over.";
  try {
    if (live !== null) process.stderr.write(`Watch it at ${live.url}\n`);
    run.placesOf = await openPlaces(runners, settingsOf, requireHardware);
    await runGroups(run, options.group);
  } catch (error) {
    ending = `The sweep ended early: ${serializeError(error).message}`;
    if (serializeError(error).code !== "cancelled") throw error;
    process.stderr.write(`Stopped. Finished cells are in ${outDir}; the same command goes on from there.\n`);
    run.worstExit = EXIT.interrupted;
  } finally {
    for (const runner of runners) await runner.close?.();
    await tracking.close();
    await run.record?.close();
    interrupt.dispose();
    const rows = [...run.rows.values()].filter((row) => row !== null);
    if (rows.length > 0) process.stdout.write(`${resultTable(rows)}\n`);
    if (runners.length > 1) process.stdout.write(parityTable(rows));
    await live?.end(
      rows.flatMap(({ result }) => result ?? []),
      outDir,
      ending,
    );
  }
  process.stdout.write(`Results: ${outDir}\n`);
  return run.worstExit === EXIT.fine && tracking.lost ? EXIT.trackingFailed : run.worstExit;
}

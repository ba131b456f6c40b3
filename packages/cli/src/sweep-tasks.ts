import type { PreparedPlan } from "@thaw/assets";
import {
  cellName,
  expandGroup,
  type FreezePolicy,
  type Result,
  type Runner,
  type Spec,
  type Sweep,
  ThawError,
} from "@thaw/core";
import { bestFreezeOfAll } from "./grid/best-freeze.ts";
import type { GridCell } from "./grid/grid-files.ts";
import { cellCost } from "./grid/split.ts";
import type { QueuedCell } from "./live/live-board.ts";
import { readResult } from "./result-file.ts";
import type { SettingsOf } from "./settings.ts";

export type Group = Sweep["groups"][number];

/** A cell on one runner; planned to see that it can be, and again before it runs: the plans of thousands are large. */
export interface Task extends Omit<GridCell, "runner"> {
  readonly spec: Spec;
  readonly runner: Runner;
  /** On the live page. */
  queued?: QueuedCell;
  /** Places that went while the cell ran there. */
  losses: number;
}

/** What the cells of a sweep are planned from. */
export interface SweepPlanning {
  readonly sweep: Sweep;
  readonly runners: readonly Runner[];
  readonly settingsOf: SettingsOf;
  /** Finds and prepares what a cell needs. */
  readonly prepare: (spec: Spec) => Promise<PreparedPlan>;
  /** Folder with the results of groups that are not run here. */
  readonly bestFrom: string;
  readonly say: (text: string) => void;
}

/** Fewer are planned before anybody wonders. */
const MANY_CELLS = 200;

/** Plans every cell of a group before any of them runs, so that bad input shows at once. */
export async function planGroup(run: SweepPlanning, group: Group, best?: FreezePolicy): Promise<Task[]> {
  const tasks: Task[] = [];
  const cells = expandGroup(run.sweep, group, best);
  if (cells.length > MANY_CELLS) run.say(`Planning ${cells.length} cells of group ${group.name}\n`);
  for (const { spec, label } of cells) {
    const { plan } = await run.prepare(spec);
    const { train, validation } = plan.splits;
    const cost = cellCost(plan.phases, { train: train.length, validation: validation.length });
    for (const runner of run.runners) {
      const cell = await cellName(plan, runner.name, run.settingsOf(runner.name));
      tasks.push({ cell, group: group.name, label, cost, spec, runner, losses: 0 });
    }
  }
  return tasks;
}

/** The freeze policy that a group takes from one that is not run here. */
async function storedBest(run: SweepPlanning, base: string): Promise<FreezePolicy> {
  const group = run.sweep.groups.find(({ name }) => name === base);
  if (group === undefined) throw new ThawError("spec-invalid", `There is no group "${base}".`);
  const best = group.bestOf === undefined ? undefined : await storedBest(run, group.bestOf);
  const results: (Result | null)[] = [];
  for (const { cell } of await planGroup(run, group, best)) results.push(await readResult(run.bestFrom, cell));
  return bestFreezeOfAll(base, results, run.bestFrom);
}

/**
 * Plans groups before any cell runs.
 * @param mayWait leaves out groups whose freeze policy another of these groups decides once it has run
 * @throws ThawError `sweep-incomplete` where the results that decide are to be there and are not
 */
export async function planGroups(
  run: SweepPlanning,
  groups: readonly Group[],
  mayWait: boolean,
): Promise<ReadonlyMap<Group, readonly Task[]>> {
  const planned = new Map<Group, readonly Task[]>();
  for (const group of groups) {
    const { bestOf } = group;
    const waits = mayWait && groups.some(({ name }) => name === bestOf);
    if (waits) continue;
    planned.set(group, await planGroup(run, group, bestOf === undefined ? undefined : await storedBest(run, bestOf)));
  }
  return planned;
}

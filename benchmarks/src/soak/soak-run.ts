import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { watchDescendants } from "@thaw/runner-kit";
import { linkCache } from "../linked-cache.ts";
import { bitsOf, resultsIn } from "../run-outcome.ts";
import { startThaw } from "../start-thaw.ts";
import { type RoleSample, sampleProcesses } from "./process-sample.ts";
import { type Trend, trendOf } from "./trend.ts";

/** More cells than any soak gets through: depth by depth a few seeds, again and again. */
const GROUPS = 280;
const SEEDS_A_GROUP = 5;
const SAMPLE_MS = 5000;
const SAID = 2000;
/** Until a process that lives on has what it needs: code that is compiled, pools that are filled. */
const WARM_UP = 1 / 12;
/** Fewer have no trend: two in each of its blocks. */
const LEAST_MOMENTS = 40;
const MS_AN_HOUR = 3_600_000;

/** Short cells, each with all that a cell has: kept outputs on disk, checkpoints, a frozen part and one that trains. */
const SPEC = {
  version: 1,
  name: "soak",
  model: { alpha: 0.35, imageSize: 32, weights: "random", head: { dropout: 0.2 } },
  data: { kind: "builtin", name: "fashion-shoes", limit: 60 },
  split: { validation: 0.2, test: 0.2 },
  batchSize: 6,
  epochs: 10,
};
const SWEEP = {
  version: 1,
  name: "soak",
  experiment: SPEC,
  groups: Array.from({ length: GROUPS }, (_, group) => ({
    name: `group-${group}`,
    vary: {
      freeze: [50, 150, 154],
      seed: Array.from({ length: SEEDS_A_GROUP }, (_, seed) => group * SEEDS_A_GROUP + seed),
    },
  })),
};

/** What was seen at one moment. */
export interface Moment {
  readonly hours: number;
  readonly cells: number;
  readonly roles: readonly RoleSample[];
  /** Files and folders in the temporary folder that the soak has to itself. */
  readonly temporary: number;
  readonly cacheBytes: number;
}

/** What a soak came to. */
export interface SoakOutcome {
  readonly runner: string;
  readonly hours: number;
  readonly cells: number;
  readonly failed: number;
  readonly roles: readonly {
    readonly role: string;
    readonly pssBytes: Trend;
    readonly descriptors: Trend;
    readonly threads: Trend;
    readonly processes: Trend;
  }[];
  readonly temporary: Trend;
  readonly cacheBytes: Trend;
  /** Processes that were seen, and those that were still there after the end. */
  readonly processesSeen: number;
  readonly orphans: number;
  /** What is left in the temporary folder. */
  readonly litter: readonly string[];
  /** Whether the last cell, run again by a process of its own, has the same weights, losses and predictions. */
  readonly lastCellAgain: "the same bits" | "other bits";
  readonly moments: readonly Moment[];
}

const resultNames = (folder: string): string[] => readdirSync(folder).filter((name) => name.endsWith(".json"));

/** Bytes of the files in a folder, 0 where there is none. */
function bytesIn(folder: string): number {
  const sizeOf = (name: string): number => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
  return existsSync(folder) ? readdirSync(folder).reduce((sum, name) => sum + sizeOf(name), 0) : 0;
}

/** What a soak has to itself. */
interface Place {
  readonly folder: string;
  readonly out: string;
  readonly cache: string;
  readonly temporary: string;
}

function makePlace(): Place {
  const folder = mkdtempSync(join(tmpdir(), "thaw-soak-"));
  const [out, cache, temporary] = [join(folder, "results"), join(folder, "cache"), join(folder, "tmp")];
  for (const made of [out, temporary]) mkdirSync(made);
  linkCache(cache);
  return { folder, out, cache, temporary };
}

function start(place: Place, command: string, spec: object, more: readonly string[]): ChildProcess {
  const file = join(place.folder, `${command}.json`);
  writeFileSync(file, JSON.stringify(spec));
  const caches = ["--cache-bytes", "0", "--cache-disk", "16M", "--checkpoint-every", "1"];
  return startThaw([command, file, ...caches, ...more], { THAW_CACHE: place.cache, TMPDIR: place.temporary });
}

async function endOf(child: ChildProcess): Promise<string> {
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  await once(child, "exit");
  return said;
}

/** Runs the cell that was done last once more, alone. */
async function isLastTheSame(place: Place, runner: string): Promise<boolean> {
  const last = resultsIn(place.out).sort((a, b) => (a.finishedAt < b.finishedAt ? 1 : -1))[0];
  if (last === undefined) throw new Error("The soak has no result.");
  const again = join(place.folder, "again");
  const said = await endOf(start(place, "run", last.spec, ["--runner", runner, "--out", again]));
  const [alone] = resultsIn(again);
  if (alone === undefined) throw new Error(`The last cell alone came to nothing: ${said.slice(-SAID)}`);
  return bitsOf(alone) === bitsOf(last);
}

/** Looks until a time has passed or the command has ended. */
async function watch(child: ChildProcess, place: Place, minutes: number): Promise<Moment[]> {
  const moments: Moment[] = [];
  const startedMs = performance.now();
  while (child.exitCode === null && performance.now() - startedMs < minutes * 60_000) {
    moments.push({
      hours: (performance.now() - startedMs) / MS_AN_HOUR,
      cells: resultNames(place.out).length,
      roles: sampleProcesses(child.pid ?? 0),
      temporary: readdirSync(place.temporary).length,
      cacheBytes: bytesIn(join(place.cache, "features")),
    });
    await delay(SAMPLE_MS);
  }
  return moments;
}

function trendsOf(moments: readonly Moment[]): Pick<SoakOutcome, "roles" | "temporary" | "cacheBytes"> {
  const counted = moments.slice(Math.ceil(moments.length * WARM_UP));
  const trend = (of: (moment: Moment) => number | undefined): Trend =>
    trendOf(
      counted.flatMap((moment) => {
        const value = of(moment);
        return value === undefined ? [] : [[moment.hours, value] as const];
      }),
    );
  const present = new Map<string, number>();
  for (const { role } of counted.flatMap(({ roles }) => roles)) present.set(role, (present.get(role) ?? 0) + 1);
  const often = [...present]
    .filter(([, times]) => times >= Math.max(LEAST_MOMENTS, counted.length / 4))
    .map(([role]) => role);
  const roles = often.map((role) => {
    const of = (key: "pssBytes" | "descriptors" | "threads" | "processes"): Trend =>
      trend((moment) => moment.roles.find((sample) => sample.role === role)?.[key]);
    return {
      role,
      pssBytes: of("pssBytes"),
      descriptors: of("descriptors"),
      threads: of("threads"),
      processes: of("processes"),
    };
  });
  return { roles, temporary: trend((moment) => moment.temporary), cacheBytes: trend((moment) => moment.cacheBytes) };
}

/**
 * Runs cell after cell in one sweep, watches what its processes hold, and stops it by Ctrl-C.
 * @param runner of the cells
 * @throws Error where the sweep ends by itself, or does too little to say anything
 */
export async function soak(runner: string, minutes: number): Promise<SoakOutcome> {
  const place = makePlace();
  try {
    const child = start(place, "sweep", SWEEP, ["--runner", runner, "--out", place.out]);
    const processes = watchDescendants(child.pid ?? 0, () => true);
    const ended = endOf(child);
    const moments = await watch(child, place, minutes);
    if (child.exitCode !== null) throw new Error(`The sweep ended by itself: ${(await ended).slice(-SAID)}`);
    child.kill("SIGINT");
    const said = await ended;
    const left = processes.left();
    const failed = (said.match(/: failed \(/g) ?? []).length;
    return {
      runner,
      hours: moments.at(-1)?.hours ?? 0,
      cells: resultNames(place.out).length,
      failed,
      ...trendsOf(moments),
      processesSeen: processes.seen(),
      orphans: left.length,
      litter: readdirSync(place.temporary),
      lastCellAgain: (await isLastTheSame(place, runner)) ? "the same bits" : "other bits",
      moments: moments.filter((_, index) => index % Math.ceil(moments.length / 120) === 0),
    };
  } finally {
    rmSync(place.folder, { recursive: true, force: true });
  }
}

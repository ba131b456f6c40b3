import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { randomStream } from "@thaw/core";
import { watchDescendants } from "@thaw/runner-kit";
import { type Outcome, outcomeOf } from "../run-outcome.ts";
import type { ScenarioOutcome } from "./campaign.ts";
import { endOf, hasEnded, orphansOf } from "./command-end.ts";
import { EXPERIMENTS } from "./scenarios.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const MOST_IN_A_ROW = 4;
/** What a set-up that was killed may leave for the next one to take: nothing else of that name is to be there. */
const UNFINISHED = /\.(part|partial|tmp|stale)|setup\.lock/;

/** A checkout of its own with an empty cache. The system's Chromium is not part of it. */
class FreshMachine {
  readonly folder: string;
  readonly #checkout: string;
  readonly #cache: string;

  constructor(place: string, name: string) {
    this.folder = join(place, name);
    this.#checkout = join(this.folder, "checkout");
    this.#cache = join(this.folder, "cache");
    mkdirSync(this.#cache, { recursive: true });
    execFileSync("git", ["clone", "--quiet", ROOT, this.#checkout]);
    writeFileSync(join(this.folder, "short.json"), JSON.stringify(EXPERIMENTS.short));
  }

  #start(args: readonly string[]): ChildProcess {
    return spawn(process.execPath, args, {
      cwd: this.#checkout,
      env: { ...process.env, THAW_CACHE: this.#cache },
      stdio: ["ignore", "ignore", "pipe"],
    });
  }

  setUp(): ChildProcess {
    return this.#start(["scripts/setup.mjs"]);
  }

  /** Trains with what was set up. */
  async outcome(): Promise<Outcome> {
    const out = join(this.folder, "results");
    const main = join(this.#checkout, "packages/cli/dist/main.js");
    const { code, said } = await endOf(this.#start([main, "run", join(this.folder, "short.json"), "--out", out]));
    if (code !== 0) throw new Error(`Training ended with ${code}: ${said}`);
    return outcomeOf(out);
  }

  /** Names and sizes of what lies in the cache's folder of libtensorflow and its addon. */
  native(): string[] {
    const folder = join(this.#cache, "native");
    const files = readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile());
    const paths = files.map(({ parentPath, name }) => join(parentPath, name));
    return paths.map((path) => `${relative(folder, path)} ${statSync(path).size}`).sort();
  }

  litter(): string[] {
    const names = readdirSync(this.#cache, { recursive: true, encoding: "utf8" });
    return names.filter((name) => UNFINISHED.test(name.split("/").at(-1) ?? ""));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What differs between a machine whose set-up was killed and one whose was not. */
async function differences(machine: FreshMachine, expected: Outcome, native: readonly string[]): Promise<string[]> {
  const found = machine.litter().map((name) => `left behind: ${name}`);
  const files = machine.native();
  const others = [...files.filter((file) => !native.includes(file)), ...native.filter((file) => !files.includes(file))];
  if (others.length > 0) found.push(`other files: ${others.slice(0, 3).join(", ")}`);
  try {
    const outcome = await machine.outcome();
    for (const [cell, bits] of expected) if (outcome.get(cell) !== bits) found.push(`${cell} has other bits`);
  } catch (error) {
    found.push((error as Error).message);
  }
  return found;
}

/**
 * Kills `npm run setup` in fresh checkouts with empty caches at random moments, lets the last of each run to its end, and
 * trains with what it made.
 * @param kills how many
 * @param seed of the moments
 */
export async function killSetUp(kills: number, seed: number, say: (text: string) => void): Promise<ScenarioOutcome> {
  const random = randomStream(seed, "kills/set-up");
  const place = mkdtempSync(join(tmpdir(), "thaw-kills-"));
  const counts = { kills: 0, survived: 0, orphans: 0, finished: 0, resumed: 0, identical: 0 };
  const problems: string[] = [];
  try {
    const whole = new FreshMachine(place, "whole");
    const startedMs = performance.now();
    const { code, said } = await endOf(whole.setUp());
    const lastsMs = performance.now() - startedMs;
    if (code !== 0) throw new Error(`Set-up ended with ${code} though nobody killed it: ${said}`);
    const [expected, native] = [await whole.outcome(), whole.native()];
    whole.remove();
    for (let round = 1; counts.kills < kills; round += 1) {
      const machine = new FreshMachine(place, `round-${round}`);
      const inARow = Math.min(1 + random.below(MOST_IN_A_ROW), kills - counts.kills);
      let killed = 0;
      const watches = [];
      for (let index = 0; index < inARow; index += 1) {
        const child = machine.setUp();
        watches.push(watchDescendants(child.pid ?? 0, () => true));
        const ended = endOf(child);
        await Promise.race([ended, delay(random.uniform() * lastsMs)]);
        if (hasEnded(child)) break;
        child.kill("SIGKILL");
        await ended;
        killed += 1;
      }
      counts.kills += killed;
      const last = await endOf(machine.setUp());
      const found =
        last.code === 0
          ? await differences(machine, expected, native)
          : [`the set-up ended with ${last.code}: ${last.said}`];
      // A command that a killed set-up had started may go on; the next set-up waits for it.
      for (const watch of watches) counts.orphans += await orphansOf(watch.left());
      counts.finished += 1;
      if (last.code === 0) counts.survived += killed;
      if (found.length === 0) counts.identical += 1;
      problems.push(...found.map((problem) => `round-${round}: ${problem}`));
      say(`set-up: ${counts.kills} of ${kills} kills, ${found.join("; ") || "fine"}\n`);
      machine.remove();
    }
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
  return { name: "set-up", victim: "the command", ...counts, problems };
}

import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type RandomStream, randomStream } from "@thaw/core";
import { descendantsOf, type ProcessInfo, watchDescendants } from "@thaw/runner-kit";
import { linkCache } from "../linked-cache.ts";
import { type Outcome, outcomeOf, resultsIn } from "../run-outcome.ts";
import { startThaw } from "../start-thaw.ts";
import { endOf, hasEnded, orphansOf } from "./command-end.ts";
import { EXPERIMENTS, type Scenario } from "./scenarios.ts";

/** The most kills in a row before a command may run to its end. */
const MOST_IN_A_ROW = 8;

/** What one scenario came to. */
export interface ScenarioOutcome {
  readonly name: string;
  readonly victim: string;
  readonly kills: number;
  /** Kills after which every result in the folder was whole and what it was before. */
  readonly survived: number;
  /** Processes that were still there long after a kill. */
  readonly orphans: number;
  /** Commands that ran to their end after kills. */
  readonly finished: number;
  /** Those of them that went on from a checkpoint. */
  readonly resumed: number;
  /** Those of them whose every result has the bits of a run that nobody killed. */
  readonly identical: number;
  readonly problems: readonly string[];
}

/** Whether a file of words is there whole or not at all. */
function isWholeText(folder: string, name: string, end: RegExp): boolean {
  const file = join(folder, name);
  return !existsSync(file) || end.test(readFileSync(file, "utf8"));
}

/** What is wrong with a folder after a kill; nothing is where results are whole and no other than before. */
function problemsIn(folder: string, before: Outcome, expected: Outcome): string[] {
  const problems: string[] = [];
  let after: Outcome;
  try {
    after = outcomeOf(folder);
  } catch (error) {
    return [`a result is half-written: ${(error as Error).message}`];
  }
  for (const [cell, bits] of before) if (after.get(cell) !== bits) problems.push(`${cell} is lost or changed`);
  for (const [cell, bits] of after) {
    if (expected.has(cell) && expected.get(cell) !== bits) problems.push(`${cell} has other bits`);
  }
  if (!isWholeText(folder, "report.html", /<\/html>\s*$/)) problems.push("the report is half-written");
  return problems;
}

/** Runs a scenario's commands in folders of one place. */
class Stage {
  readonly #scenario: Scenario;
  readonly #place: string;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#place = mkdtempSync(join(tmpdir(), "thaw-kills-"));
    for (const [name, spec] of Object.entries(EXPERIMENTS)) {
      writeFileSync(join(this.#place, `${name}.json`), JSON.stringify(spec));
    }
  }

  /** Makes a folder for results, with what the scenario finds there. */
  async folder(name: string): Promise<string> {
    const out = join(this.#place, name);
    mkdirSync(out, { recursive: true });
    if (this.#scenario.prepared !== undefined) {
      const { code, said } = await endOf(this.#start([...this.#scenario.prepared, "--out", out], out));
      if (code !== 0) throw new Error(`What ${this.#scenario.name} needs ended with ${code}: ${said}`);
    }
    if (this.#scenario.hasOwnFeatures === true) linkCache(`${out}-cache`);
    return out;
  }

  start(out: string): ChildProcess {
    return this.#start(this.#scenario.command(out), out);
  }

  #start(args: readonly string[], out: string): ChildProcess {
    const cache = this.#scenario.hasOwnFeatures === true ? { THAW_CACHE: `${out}-cache` } : {};
    const specs = args.map((arg) => (Object.hasOwn(EXPERIMENTS, arg) ? join(this.#place, `${arg}.json`) : arg));
    return startThaw(specs, cache);
  }

  remove(): void {
    rmSync(this.#place, { recursive: true, force: true });
  }
}

/** Waits for the victim to be there. @returns undefined where the command ends before */
async function victimOf(child: ChildProcess, find: NonNullable<Scenario["find"]>): Promise<ProcessInfo | undefined> {
  while (!hasEnded(child)) {
    const found = find(descendantsOf(child.pid ?? 0));
    if (found !== undefined) return found;
    await delay(10);
  }
  return undefined;
}

/**
 * Starts the command and kills its victim at a random moment.
 * @param lastsMs what a command that nobody kills takes
 * @returns whether there was a kill: the command may be faster, and processes that are left
 */
async function killOnce(
  stage: Stage,
  { find }: Scenario,
  out: string,
  random: RandomStream,
  lastsMs: number,
): Promise<{ readonly killed: boolean; readonly orphans: number }> {
  const child = stage.start(out);
  const watch = watchDescendants(child.pid ?? 0, () => true);
  const ended = endOf(child);
  await Promise.race([ended, delay(random.uniform() * lastsMs)]);
  const victim = find === undefined ? { pid: child.pid ?? 0 } : await victimOf(child, find);
  const killed = victim !== undefined && !hasEnded(child);
  if (killed) process.kill(victim.pid, "SIGKILL");
  await ended;
  return { killed, orphans: await orphansOf(watch.left()) };
}

/**
 * Kills a scenario's victim again and again, lets the command run to its end now and then, and compares.
 * @param kills how many
 * @param seed of the moments
 */
export async function killScenario(
  scenario: Scenario,
  kills: number,
  seed: number,
  say: (text: string) => void = () => undefined,
): Promise<ScenarioOutcome> {
  const random = randomStream(seed, `kills/${scenario.name}/${scenario.victim}`);
  const stage = new Stage(scenario);
  const problems: string[] = [];
  const counts = { kills: 0, survived: 0, orphans: 0, finished: 0, resumed: 0, identical: 0 };
  try {
    const whole = await stage.folder("whole");
    const startedMs = performance.now();
    const unharmed = await endOf(stage.start(whole));
    const lastsMs = performance.now() - startedMs;
    if (unharmed.code !== 0) {
      throw new Error(`${scenario.name} ended with ${unharmed.code} though nobody killed it: ${unharmed.said}`);
    }
    const expected = outcomeOf(whole);
    for (let round = 1; counts.kills < kills; round += 1) {
      const out = await stage.folder(`round-${round}`);
      const inARow = Math.min(1 + random.below(MOST_IN_A_ROW), kills - counts.kills);
      for (let index = 0; index < inARow; index += 1) {
        const before = outcomeOf(out);
        const { killed, orphans } = await killOnce(stage, scenario, out, random, lastsMs);
        counts.orphans += orphans;
        if (!killed) break; // it was faster
        counts.kills += 1;
        const found = problemsIn(out, before, expected);
        if (found.length === 0) counts.survived += 1;
        problems.push(...found.map((problem) => `${basename(out)}: ${problem}`));
      }
      const { code, said } = await endOf(stage.start(out));
      const found = code === 0 ? problemsIn(out, new Map(), expected) : [`the command ended with ${code}: ${said}`];
      const after = code === 0 ? outcomeOf(out) : new Map<string, string>();
      for (const cell of expected.keys()) if (!after.has(cell)) found.push(`${cell} is missing`);
      const litter = readdirSync(out).filter((name) => /\.(part|checkpoint|lock)$/.test(name));
      if (litter.length > 0) found.push(`left behind: ${litter.join(", ")}`);
      counts.finished += 1;
      if (found.length === 0) counts.identical += 1;
      if (code === 0 && resultsIn(out).some(({ resumed }) => resumed !== undefined)) counts.resumed += 1;
      problems.push(...found.map((problem) => `${basename(out)}: ${problem}`));
      say(`${scenario.name}, ${scenario.victim}: ${counts.kills} of ${kills} kills, ${found.join("; ") || "fine"}\n`);
      rmSync(out, { recursive: true, force: true });
      rmSync(`${out}-cache`, { recursive: true, force: true });
    }
  } finally {
    stage.remove();
  }
  const { name, victim } = scenario;
  return { name, victim, ...counts, problems };
}

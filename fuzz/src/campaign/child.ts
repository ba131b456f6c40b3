import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { type CaseVerdict, judgeCase } from "../judge/case-verdict.ts";
import type { Target, TargetsModule } from "../target.ts";
import type { FromChild, Stretch, ToChild } from "./messages.ts";

/** What making an input smaller may take. */
const SHRINK_MS = 20_000;

/** The module that has the targets is this program's one argument. */
const [, , MODULE = "../targets/targets.ts"] = process.argv;

const targets = new Map<string, Target>();
/** Findings that were made smaller already: one of a kind is enough. */
const told = new Set<string>();

function send(message: FromChild): void {
  process.send?.(message);
}

async function targetOf({ target }: Stretch): Promise<Target> {
  if (targets.size === 0) {
    const { loadTargets } = (await import(MODULE)) as TargetsModule;
    for (const each of await loadTargets()) targets.set(each.name, each);
  }
  const found = targets.get(target);
  if (found === undefined) throw new Error(`There is no target ${target}.`);
  return found;
}

/** What two findings of the same fault have in common. */
function kindOf({ target }: Stretch, { code, what = "" }: CaseVerdict): string {
  const frames = what.split("\n").slice(0, 3).join(" ");
  return `${target} ${code} ${frames.replaceAll(/"[^"]*"|[\d.]+/g, "#").slice(0, 200)}`;
}

/** Makes a failing input smaller for as long as it shows the same kind of finding. */
async function sendSmallest(target: Target, { seed }: Stretch, index: number, kind: string): Promise<void> {
  let smallest: unknown;
  const property = fc.asyncProperty(target.inputs, async (input) => {
    const verdict = await judgeCase(target, input);
    if (verdict.status !== "finding" || verdict.code !== kind) return;
    smallest = input;
    throw new Error(verdict.what);
  });
  const limit = { interruptAfterTimeLimit: SHRINK_MS, markInterruptAsFailure: false };
  const { counterexamplePath } = await fc.check(property, { seed, path: String(index), numRuns: 1, ...limit });
  const files: Record<string, string> = {};
  if (smallest !== undefined) {
    for (const [name, bytes] of target.files(smallest)) files[name] = Buffer.from(bytes).toString("base64");
  }
  send({ type: "smallest", index, path: counterexamplePath ?? String(index), files });
}

/** Runs cases until one is a finding. @returns its place, or the end */
async function runUntilFinding(target: Target, stretch: Stretch, first: number): Promise<number> {
  const end = stretch.first + stretch.count;
  let index = first - 1;
  let found: CaseVerdict | undefined;
  const property = fc.asyncProperty(target.inputs, async (input) => {
    index += 1;
    send({ type: "begin", index });
    const verdict = await judgeCase(target, input);
    send({ type: "verdict", index, verdict });
    if (verdict.status !== "finding") return;
    found = verdict;
    throw new Error(verdict.what);
  });
  await fc.check(property, { seed: stretch.seed, path: String(first), numRuns: end - first, endOnFailure: true });
  if (found === undefined) return end;
  const kind = kindOf(stretch, found);
  if (!told.has(kind)) await sendSmallest(target, stretch, index, found.code);
  told.add(kind);
  return index + 1;
}

async function run(stretch: Stretch): Promise<void> {
  const target = await targetOf(stretch);
  const end = stretch.first + stretch.count;
  for (let next = stretch.first; next < end; ) next = await runUntilFinding(target, stretch, next);
  send({ type: "done" });
}

async function write(stretch: Stretch, folder: string): Promise<void> {
  const target = await targetOf(stretch);
  const property = fc.asyncProperty(target.inputs, async (input) => {
    for (const [name, bytes] of target.files(input)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), bytes);
    }
  });
  await fc.check(property, { seed: stretch.seed, path: String(stretch.first), numRuns: 1 });
  send({ type: "written" });
}

process.on("message", (message: ToChild) => {
  void (message.type === "run" ? run(message.stretch) : write(message.stretch, message.folder));
});
process.on("disconnect", () => process.exit());
send({ type: "ready" });

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Result } from "@thaw/core";
import { descendantsOf } from "@thaw/runner-kit";
import { describe, expect, it } from "vitest";
import { ending, SMALL_SPEC, specFile, start, temporaryFolder, thaw } from "./command-line.ts";

const TIMEOUT_MS = 120_000;
/** Long enough to be killed in, on any machine. */
const SPEC = { ...SMALL_SPEC, epochs: 12, augmentation: { horizontalFlip: true }, freeze: 150 } as const;

function argsOf(out: string, spec: object = SPEC): string[] {
  return ["run", specFile(spec), "--runner", "node", "--out", out, "--checkpoint-every", "0"];
}

/** The one result of a folder. */
function resultIn(out: string): Result {
  const [name] = readdirSync(out).filter((file) => file.endsWith(".json"));
  return JSON.parse(readFileSync(join(out, name ?? ""), "utf8")) as Result;
}

/** Steps whose checkpoints the log of the run in progress tells of. */
function checkpointsIn(out: string): number {
  if (!existsSync(out)) return 0;
  const [log] = readdirSync(out).filter((file) => /^[^.]+\.events\.jsonl$/.test(file));
  return log === undefined ? 0 : readFileSync(join(out, log), "utf8").split('"type":"checkpoint"').length - 1;
}

async function untilCheckpoints(out: string, count: number): Promise<void> {
  await expect.poll(() => checkpointsIn(out), { timeout: 60_000, interval: 20 }).toBeGreaterThanOrEqual(count);
}

const whole = thaw(argsOf(join(temporaryFolder(), "whole"))).then(({ stdout }) => {
  const file = /^Result: (.*)$/m.exec(stdout)?.[1] ?? "";
  return JSON.parse(readFileSync(file, "utf8")) as Result;
});

describe("a run that was killed", { timeout: TIMEOUT_MS }, () => {
  it.each([
    ["the command", "SIGKILL", 0],
    ["its child process", "SIGKILL", 1],
    ["Ctrl-C", "SIGINT", 0],
  ] as const)("goes on where it was, to the same bits: %s", async (_, signal, depth) => {
    const out = join(temporaryFolder(), "out");
    const child = start(argsOf(out));
    const ended = ending(child);
    await untilCheckpoints(out, 5);
    const victim =
      depth === 0 ? child.pid : descendantsOf(child.pid ?? 0).find(({ command }) => /child/.test(command))?.pid;
    process.kill(victim ?? 0, signal);
    const { code, stderr } = await ended;
    if (depth === 1) {
      expect(code).toBe(4);
      expect(stderr).toContain("The same command goes on after step");
    }
    if (signal === "SIGINT") {
      expect(code).toBe(130);
      expect(stderr).toContain("The same command goes on after step");
    }
    expect(readdirSync(out).filter((file) => file.endsWith(".json"))).toEqual([]);
    const rest = await thaw(argsOf(out));
    expect(rest.code).toBe(0);
    expect(rest.stderr).toMatch(/goes on after step \d+ of 36/);
    const result = resultIn(out);
    expect(result.resumed).toHaveLength(1);
    expect(result.digests).toEqual((await whole).digests);
    expect(result.steps).toEqual((await whole).steps);
    expect(result.predictions).toEqual((await whole).predictions);
    // The log of the first attempt stays beside that of the second; nothing else does.
    expect(readdirSync(out).map((file) => file.replace(/^[^.]+/, ""))).toEqual([
      ".attempt-1.events.jsonl",
      ".events.jsonl",
      ".json",
    ]);
  });

  it("starts again without checkpoints", async () => {
    const out = join(temporaryFolder(), "out");
    const child = start([...argsOf(out, { ...SPEC, epochs: 200 }), "--no-checkpoints"]);
    const ended = ending(child);
    await expect.poll(() => existsSync(out) && readdirSync(out).length, { timeout: 60_000 }).toBe(2); // log and lock
    child.kill("SIGKILL");
    await ended;
    expect(readdirSync(out).some((file) => file.endsWith(".checkpoint"))).toBe(false);
  });
});

describe("two commands on one results folder", { timeout: TIMEOUT_MS }, () => {
  it("do not run the same cell: the second names who does", async () => {
    const out = join(temporaryFolder(), "out");
    const first = start(argsOf(out, { ...SPEC, epochs: 400 }));
    const ended = ending(first);
    await untilCheckpoints(out, 1);
    const second = await thaw(argsOf(out, { ...SPEC, epochs: 400 }));
    expect(second.code).toBe(4);
    expect(second.stderr).toMatch(new RegExp(`error \\(cell-locked\\).* is being run by process ${first.pid} of `));
    first.kill("SIGKILL");
    await ended;
  });

  it("share the cells of a sweep, and both come to its results", async () => {
    const out = join(temporaryFolder(), "out");
    const spec = specFile({ ...SMALL_SPEC, epochs: 1 });
    const args = ["sweep", spec, "--freeze", "150,151,152,153", "--runner", "node", "--out", out];
    const runs = await Promise.all([thaw(args), thaw(args)]);
    expect(runs.map(({ code }) => code).filter((code) => code !== 0 && code !== 4)).toEqual([]);
    const again = await thaw(args);
    expect(again.code).toBe(0);
    expect(readdirSync(out).filter((file) => file.endsWith(".json"))).toHaveLength(4);
    expect(readdirSync(out).filter((file) => file.endsWith(".lock"))).toEqual([]);
  });
});

describe("--checkpoint-every", () => {
  it("refuses what are no seconds", async () => {
    const { code, stderr } = await thaw([...argsOf("results"), "--checkpoint-every", "soon"]);
    expect(code).toBe(2);
    expect(stderr).toContain('--checkpoint-every: expected seconds, 0 or more, found "soon"');
  });
});

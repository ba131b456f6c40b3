import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Result } from "@thaw/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ending, ROOT, SMALL_SPEC, specFile, temporaryFolder, thaw } from "./command-line.ts";

/** Where Linux lets a group of processes be bounded, as version 1 or 2 of its control groups do; null elsewhere. */
function memoryGroups(): { readonly folder: string; readonly limit: string; readonly swap: string } | null {
  const [first, second] = ["/sys/fs/cgroup/memory", "/sys/fs/cgroup"];
  const found = existsSync(join(first, "memory.limit_in_bytes"))
    ? { folder: first, limit: "memory.limit_in_bytes", swap: "memory.memsw.limit_in_bytes" }
    : { folder: second, limit: "memory.max", swap: "memory.swap.max" };
  const probe = join(found.folder, `thaw-probe-${process.pid}`);
  try {
    mkdirSync(probe);
    const bounds = existsSync(join(probe, found.limit));
    rmdirSync(probe);
    return bounds ? found : null;
  } catch {
    return null;
  }
}

const groups = memoryGroups();
const MAIN = join(ROOT, "packages/cli/src/main.ts");
const SPEC = { ...SMALL_SPEC, freeze: 100, epochs: 30 };
const BALLAST_BYTES = 120 * 2 ** 20;

/** The bits of the one result in a folder, and after which steps it was resumed. */
function bitsIn(out: string): Pick<Result, "digests" | "predictions" | "steps" | "resumed"> {
  const [name = ""] = readdirSync(out).filter((file) => file.endsWith(".json"));
  const { digests, predictions, steps, resumed } = JSON.parse(readFileSync(join(out, name), "utf8")) as Result;
  return { digests, predictions, ...(steps && { steps }), ...(resumed && { resumed }) };
}

describe.skipIf(groups === null)("memory (needs Linux's control groups, and root)", { timeout: 240_000 }, () => {
  const { folder, limit, swap } = groups ?? { folder: "", limit: "", swap: "" };
  let group: string;

  function bound(bytes: number): void {
    writeFileSync(join(group, limit), String(bytes));
    if (existsSync(join(group, swap))) writeFileSync(join(group, swap), swap.includes("memsw") ? String(bytes) : "0");
  }

  /** Starts a program in the group. */
  function inGroup(...args: string[]): ChildProcess {
    const script = `echo $$ > '${group}/cgroup.procs' && exec "$@"`;
    return spawn("sh", ["-c", script, "sh", process.execPath, ...args], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  const command = (out: string): string[] => [
    ...["run", specFile(SPEC), "--runner", "node", "--out", out, "--checkpoint-every", "0"],
  ];
  const bounded = (out: string): ChildProcess =>
    inGroup("--import", "tsx", "--conditions=source", MAIN, ...command(out));

  beforeEach(() => {
    group = join(folder, `thaw-${process.pid}`);
    mkdirSync(group);
  });
  afterEach(async () => {
    for (let tries = 0; tries < 50 && readFileSync(join(group, "cgroup.procs"), "utf8") !== ""; tries += 1)
      await delay(100);
    rmdirSync(group);
  });

  it("that is too little from the start is named, and the same command with more does it", async () => {
    const out = join(temporaryFolder(), "out");
    bound(260 * 2 ** 20);
    const { code, stderr } = await ending(bounded(out));
    expect(stderr).toMatch(/error \(runner-crashed\): /);
    expect(stderr).toMatch(/hint: It (ran out of memory|was killed, most often for want of memory): /);
    expect(code).toBe(4);
    expect(readdirSync(out).filter((file) => /\.(json|part|lock)$/.test(file))).toEqual([]);
    expect((await thaw(command(out))).code).toBe(0);
  });

  it("that others take away costs the runner's process, and the run goes on where it was", async () => {
    const [out, whole] = [join(temporaryFolder(), "out"), join(temporaryFolder(), "out")];
    expect((await thaw(command(whole))).code).toBe(0);
    bound(900 * 2 ** 20);
    const child = bounded(out);
    const done = ending(child);
    await expect
      .poll(() => existsSync(out) && readdirSync(out).some((file) => file.endsWith(".checkpoint")), { timeout: 60_000 })
      .toBe(true);
    const hold = `const held = Buffer.alloc(${BALLAST_BYTES}, 1); setInterval(() => held.fill(1), 100);`;
    const ballast = Array.from({ length: 6 }, () => inGroup("-e", hold));
    const { code, stderr } = await done;
    for (const other of ballast) other.kill("SIGKILL");
    expect(stderr).toMatch(/hint: It was killed, most often for want of memory: /);
    expect(code).toBe(4);
    expect((await thaw(command(out))).code).toBe(0);
    const { resumed, ...bits } = bitsIn(out);
    expect(resumed?.[0]).toBeGreaterThan(0);
    expect(bits).toEqual(bitsIn(whole));
  });
});

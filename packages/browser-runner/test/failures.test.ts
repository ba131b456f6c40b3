import { mkdtempSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@thaw/assets";
import { type EngineSettings, type Plan, type RunEvent, type Runner, ThawError } from "@thaw/core";
import { contractPlan } from "@thaw/core/contract";
import { descendantsOf, watchDescendants } from "@thaw/runner-kit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRunner } from "../src/index.ts";
import { browserSettings, openRequest, openSession } from "../src/internals.ts";

const store = openStore(mkdtempSync(join(tmpdir(), "thaw-")));
const isBrowser = ({ command }: { readonly command: string }): boolean => command.includes("chrom");
const browsers = (): ReturnType<typeof descendantsOf> => descendantsOf(process.pid).filter(isBrowser);

/** Kills the browser's processes of one kind; the browser itself has no `--type`. */
function kill(kind: "renderer" | "gpu-process" | "browser", signal: NodeJS.Signals = "SIGKILL"): void {
  const wanted = ({ command }: { command: string }): boolean =>
    kind === "browser"
      ? !command.includes("--type=") && !command.includes("crashpad")
      : command.includes(`--type=${kind}`);
  const found = browsers().filter(wanted);
  if (found.length === 0) throw new Error(`There is no ${kind} process.`);
  for (const { pid } of found) process.kill(pid, signal);
}

/** The code that a run ends with, when something is done to it at its second step. */
async function codeAfter(
  runner: Runner,
  plan: Plan,
  accident: () => void,
  settings: EngineSettings = {},
): Promise<string> {
  let steps = 0;
  try {
    for await (const event of runner.run(plan, { storeDir: store.folder, settings })) {
      if (event.type === "step") steps += 1;
      if (event.type === "step" && steps === 2) accident();
    }
    return "no error";
  } catch (error) {
    if (!(error instanceof ThawError)) throw error;
    expect(error.hint?.length).toBeGreaterThan(20);
    return error.code;
  }
}

async function runs(runner: Runner, plan: Plan): Promise<boolean> {
  const events: RunEvent[] = [];
  for await (const event of runner.run(plan, { storeDir: store.folder, settings: {} })) events.push(event);
  return events.at(-1)?.type === "end";
}

describe("a runner whose browser fails", () => {
  const opened: Runner[] = [];
  const runnerOf = (name: string): Runner => {
    const runner = createRunner(name);
    opened.push(runner);
    return runner;
  };
  let watch: ReturnType<typeof watchDescendants>;
  beforeEach(() => {
    watch = watchDescendants(process.pid, isBrowser);
  });
  afterEach(async () => {
    for (const runner of opened.splice(0)) await runner.close?.();
    expect(browsers()).toEqual([]);
    // Also those that lost their parent; a dead browser's crash handler takes a moment to notice.
    await expect.poll(() => watch.left(), { timeout: 10_000 }).toEqual([]);
  });

  it.each([
    ["webgpu", "gpu-process", "gpu-lost"],
    ["webgpu", "browser", "browser-lost"],
    ["webgpu", "renderer", "page-crashed"],
    ["webgl", "gpu-process", "gpu-lost"],
    ["wasm", "browser", "browser-lost"],
    ["wasm", "renderer", "page-crashed"],
  ] as const)(
    "%s, %s killed: says %s, and runs the next cell",
    async (name, process, code) => {
      const runner = runnerOf(name);
      const long = await contractPlan(store, { epochs: 200 });
      expect(await codeAfter(runner, long, () => kill(process))).toBe(code);
      expect(await runs(runner, await contractPlan(store, { epochs: 1 }))).toBe(true);
    },
    120_000,
  );

  it("stops a step that hangs, by the plan's own limit", async () => {
    const runner = runnerOf("wasm");
    const plan = await contractPlan(store, { epochs: 200, stepLimitSeconds: 3 });
    expect(await codeAfter(runner, plan, () => kill("renderer", "SIGSTOP"))).toBe("step-hung");
    expect(await runs(runner, await contractPlan(store, { epochs: 1 }))).toBe(true);
  }, 120_000);

  it("names a page that is closed", async () => {
    const session = await openSession(openRequest("wasm", browserSettings("wasm", {})), 0);
    const plan = await contractPlan(store, { epochs: 200 });
    const probe = runnerOf("wasm");
    const availability = await probe.probe({});
    if (!availability.ok) throw new Error(availability.reason);
    const run = session.run({ plan, storeDir: store.folder }, availability.environment, undefined, (events) => {
      if (events.some(({ type }) => type === "step")) void session.page.close();
    });
    await expect(run).rejects.toMatchObject({ code: "page-closed" });
    await session.close();
  }, 60_000);

  it("says that its port is taken", async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
    });
    const runner = runnerOf("cpu");
    const plan = await contractPlan(store, { epochs: 1 });
    expect(await codeAfter(runner, plan, () => undefined, { port })).toBe("port-taken");
    server.close();
    expect(await runs(runner, plan)).toBe(true);
  }, 60_000);

  it("refuses an emulated GPU where hardware is required", async () => {
    // On a machine with a GPU this runner runs: then there is nothing to refuse.
    const availability = await runnerOf("webgpu").probe({ requireHardware: true });
    const found = availability.ok ? { ok: true, software: availability.environment.device.software } : availability;
    expect([
      { ok: true, software: false },
      expect.objectContaining({ ok: false, code: "software-adapter" }),
    ]).toContainEqual(found);
  }, 90_000);

  it("closes a browser that nobody uses any more", async () => {
    const runner = createRunner("cpu");
    await runner.probe({});
    expect(browsers().length).toBeGreaterThan(0);
    await expect.poll(() => browsers().length, { timeout: 20_000 }).toBe(0);
  }, 60_000);
});

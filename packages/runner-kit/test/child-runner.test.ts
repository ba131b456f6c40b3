import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@thaw/assets";
import type { Runner, RunOptions } from "@thaw/core";
import { contractPlan } from "@thaw/core/contract";
import { describe, expect, it, vi } from "vitest";
import { childRunner } from "../src/index.ts";

const folder = mkdtempSync(join(tmpdir(), "thaw-"));

function toyRunner(child: string): Runner {
  return childRunner({
    name: "toy",
    entry: new URL(`./children/${child}`, import.meta.url),
    checkSettings: () => undefined,
    crashHint: "ask the toy's maker.",
  });
}

/** What a run on a toy ends with. */
async function failureOf(
  runner: Runner,
  { settings = {}, stepLimitSeconds = 60, ...rest }: Partial<RunOptions> & { readonly stepLimitSeconds?: number } = {},
): Promise<unknown> {
  const plan = await contractPlan(openStore(folder), { stepLimitSeconds });
  try {
    const options = { ...rest, storeDir: folder, settings };
    for await (const event of runner.run(plan, options)) expect(event.type).toBe("start");
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}

describe("childRunner", () => {
  it("names the runner that crashed, and its last words", async () => {
    expect(await failureOf(toyRunner("crash"))).toMatchObject({
      code: "runner-crashed",
      message: 'The process of runner "toy" ended with signal SIGABRT before it was done.',
      hint: "Its last output is in the details; ask the toy's maker.",
      details: { stderr: "native: assertion failed" },
    });
  });

  it("says so where there was no memory left", async () => {
    vi.stubEnv("NODE_OPTIONS", "--max-old-space-size=100");
    const failure = await failureOf(toyRunner("heap"));
    vi.unstubAllEnvs();
    expect(failure).toMatchObject({
      code: "runner-crashed",
      hint: "It ran out of memory: use a smaller batchSize or imageSize, or keep less of frozen layers (--cache-bytes).",
    });
  });

  it("shows the child nothing of the user's secrets", async () => {
    vi.stubEnv("NPM_TOKEN", "planted");
    vi.stubEnv("THAW_ANYTHING", "passed on");
    const failure = await failureOf(toyRunner("tell-tale"));
    vi.unstubAllEnvs();
    expect(failure).toMatchObject({ details: { stderr: expect.stringContaining('"THAW_ANYTHING":"passed on"') } });
    expect(JSON.stringify(failure)).not.toContain("planted");
  });

  it("does not wait for a child that hangs at its end", async () => {
    const startedMs = performance.now();
    expect(await toyRunner("stuck-at-exit").probe()).toMatchObject({ ok: true, environment: { runner: "toy" } });
    expect(performance.now() - startedMs).toBeLessThan(15_000);
  });

  it("fails with the device's reason, whatever the run waits for", async () => {
    expect(await failureOf(toyRunner("device"), { settings: { lost: true } })).toMatchObject({ code: "gpu-lost" });
  });

  it("kills a child that stands still for longer than the plan allows", async () => {
    expect(await failureOf(toyRunner("device"), { stepLimitSeconds: 1 })).toMatchObject({ code: "step-hung" });
  });

  it("kills a child that does not stop when it is told to", async () => {
    const signal = AbortSignal.timeout(1000);
    expect(await failureOf(toyRunner("device"), { signal })).toMatchObject({ code: "cancelled" });
  });
});

import type { ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { watchDescendants } from "@thaw/runner-kit";
import { describe, expect, it } from "vitest";
import { ending, SMALL_SPEC, specFile, start, temporaryFolder, thaw } from "./command-line.ts";

/** Watches the browser's processes below a command. */
const watchBrowsers = (child: ChildProcess): ReturnType<typeof watchDescendants> =>
  watchDescendants(child.pid ?? 0, ({ command }) => /chrom(e|ium)/.test(command) && !command.includes("thaw-cli"));

const LONG = { ...SMALL_SPEC, epochs: 500 };

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
  readonly watch: ReturnType<typeof watchDescendants>;
}

/** Starts a long run in the browser, waits for its first epoch, ends it with a signal. */
async function endedBy(signal: NodeJS.Signals): Promise<Ended> {
  const out = join(temporaryFolder(), "out");
  const child = start(["run", specFile(LONG), "--runner", "wasm", "--out", out]);
  const watch = watchBrowsers(child);
  const done = ending(child);
  await new Promise<void>((resolve) => {
    child.stderr?.on("data", (chunk: Buffer) => {
      if (chunk.toString().includes("epoch 1/")) resolve();
    });
  });
  child.kill(signal);
  return { ...(await done), watch };
}

describe.skipIf(process.platform !== "linux")("no browser process is left over (seen in /proc)", () => {
  it("after a run", async () => {
    const out = join(temporaryFolder(), "out");
    const child = start(["run", specFile({ ...SMALL_SPEC, epochs: 1 }), "--runner", "wasm", "--out", out]);
    const watch = watchBrowsers(child);
    const { code, stdout } = await ending(child);
    expect([code, stdout.includes("wasm")]).toEqual([0, true]);
    expect(watch.seen()).toBeGreaterThan(3);
    await expect.poll(() => watch.left(), { timeout: 5000 }).toEqual([]);
  });

  it("after Ctrl-C", async () => {
    const { code, stderr, watch } = await endedBy("SIGINT");
    expect(code).toBe(130);
    expect(stderr).toContain("cancelled");
    expect(watch.seen()).toBeGreaterThan(3);
    await expect.poll(() => watch.left(), { timeout: 5000 }).toEqual([]);
  });

  it("after the command itself was killed", async () => {
    const { watch } = await endedBy("SIGKILL");
    expect(watch.seen()).toBeGreaterThan(3);
    await expect.poll(() => watch.left(), { timeout: 20_000 }).toEqual([]);
  });
});

describe("--require-hardware", () => {
  it("refuses an emulated GPU, and lets a processor be one", async () => {
    const out = join(temporaryFolder(), "out");
    const spec = specFile({ ...SMALL_SPEC, epochs: 1 });
    const run = (runner: string): ReturnType<typeof thaw> =>
      thaw(["run", spec, "--runner", runner, "--require-hardware", "--out", out]);
    expect((await run("wasm")).code).toBe(0);
    const { code, stderr } = await run("webgpu");
    // A machine with a GPU runs; one without must say why it does not.
    const emulated = stderr.includes("emulated");
    expect(code).toBe(emulated ? 3 : 0);
    if (emulated) expect(stderr).toMatch(/error \(software-adapter\).*\n.*drop --require-hardware/);
  }, 180_000);
});

describe("a sweep on two runners", () => {
  it("ends with their parity, and names the emulator wherever a result stands", async () => {
    const out = join(temporaryFolder(), "out");
    const spec = specFile({ ...SMALL_SPEC, epochs: 1 });
    const args = ["sweep", spec, "--freeze", "154", "--runner", "node,webgpu", "--set", "node.threads=1", "--out", out];
    const { code, stdout, stderr } = await thaw(args);
    expect(code).toBe(0);
    const names = readdirSync(out).filter((name) => name.endsWith(".json"));
    expect(names).toHaveLength(2);
    const results = names.map((name) => JSON.parse(readFileSync(join(out, name), "utf8")));
    const onWebgpu = results.find(({ runner }) => runner === "webgpu");
    const onNode = results.find(({ runner }) => runner === "node");
    expect(onNode.environment.settings.threads).toBe(1);
    expect(onWebgpu.planHash).toBe(onNode.planHash);
    expect(onWebgpu.digests.initial).toBe(onNode.digests.initial);
    expect(stdout).toContain("webgpu against node");
    expect(stdout).toContain("same data, order, weights");
    const { device } = onWebgpu.environment;
    const label = device.software ? `software (${device.name})` : device.name;
    expect(stdout).toContain(label);
    expect(stderr).toContain(label);
    expect(onWebgpu.warnings.some(({ code }: { code: string }) => code === "software-adapter")).toBe(device.software);
  }, 180_000);
});

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openStore } from "@thaw/assets";
import { type EngineSettings, type RunEvent, type Runner, type RunOptions, ThawError } from "@thaw/core";
import { contractPlan } from "@thaw/core/contract";
import { describe, expect, it, vi } from "vitest";
import { stdioRunner, watchDescendants } from "../src/index.ts";

const folder = mkdtempSync(join(tmpdir(), "thaw-"));
const LINES = fileURLToPath(new URL("./children/lines.ts", import.meta.url));

function linesRunner(behaviour: string, file: string = process.execPath, passedOn: readonly string[] = []): Runner {
  return stdioRunner({
    name: "lines",
    checkSettings(settings: EngineSettings) {
      if ("typo" in settings) throw new ThawError("setting-invalid", "There is no setting typo.");
      return { size: 3, ...settings };
    },
    command: () => ({ file, args: ["--import", "tsx", "--conditions=source", LINES, behaviour], passedOn }),
    crashHint: "ask its maker.",
  });
}

interface Change extends Partial<RunOptions> {
  readonly stepLimitSeconds?: number;
}

/** What a run says, and what it ends with. */
async function runOf(
  runner: Runner,
  { settings = {}, stepLimitSeconds = 60, ...rest }: Change = {},
): Promise<{ events: RunEvent[]; error: unknown }> {
  const plan = await contractPlan(openStore(folder), { stepLimitSeconds });
  const events: RunEvent[] = [];
  try {
    for await (const event of runner.run(plan, { ...rest, storeDir: folder, settings })) events.push(event);
  } catch (error) {
    return { events, error };
  }
  return { events, error: undefined };
}

async function failureOf(runner: Runner, change?: Change): Promise<unknown> {
  return (await runOf(runner, change)).error;
}

describe("stdioRunner", () => {
  it("asks what the program runs on", async () => {
    expect(await linesRunner("echo").probe()).toMatchObject({ ok: true, environment: { runner: "toy" } });
  });

  it("hands over settings whole, and refuses wrong ones before anything starts", async () => {
    const signal = AbortSignal.timeout(3000);
    const { events, error } = await runOf(linesRunner("echo"), { settings: { depth: 2 }, signal });
    expect(error).toMatchObject({ code: "cancelled" });
    const message = events[0]?.type === "warning" ? events[0].message : "";
    expect(JSON.parse(message)).toEqual({ storeDir: folder, settings: { size: 3, depth: 2 } });
    const nothing = linesRunner("echo", "/nowhere/program");
    expect(await failureOf(nothing, { settings: { typo: 1 } })).toMatchObject({ code: "setting-invalid" });
    expect(await nothing.probe({ typo: 1 })).toMatchObject({ ok: false, code: "setting-invalid" });
  });

  it("names the runner that crashed, and its last words", async () => {
    expect(await failureOf(linesRunner("crash"))).toMatchObject({
      code: "runner-crashed",
      message: 'The process of runner "lines" ended with signal SIGABRT before it was done.',
      hint: "Its last output is in the details; ask its maker.",
      details: { stderr: "native: assertion failed" },
    });
  });

  it.each([
    ["garbage", "Epoch 1/5 - loss: 0.69"],
    ["unknown message", '{"type":"progress","epoch":1}'],
  ])("shows the line that is no message: %s", async (behaviour, line) => {
    expect(await failureOf(linesRunner(behaviour))).toMatchObject({
      code: "protocol-invalid",
      message: `The program of runner "lines" wrote a line that is no message: ${line}`,
    });
  });

  it("shows the program nothing of the user's secrets", async () => {
    const planted = {
      AWS_SECRET_ACCESS_KEY: "planted-1",
      GITHUB_TOKEN: "planted-2",
      MLFLOW_TRACKING_PASSWORD: "planted-3",
      NPM_TOKEN: "planted-4",
      HTTPS_PROXY: "http://me:planted-5@proxy:3128",
      THAW_BROWSER_WS: "ws://me:planted-6@gpu-box:3000/",
      TF_VAR_database: "planted-7",
      ASKED_FOR: "wanted",
      THAW_CACHE: "/a/cache",
    };
    for (const [name, value] of Object.entries(planted)) vi.stubEnv(name, value);
    const { events, error } = await runOf(linesRunner("environment", process.execPath, ["ASKED_FOR"]));
    vi.unstubAllEnvs();
    expect(error).toBeUndefined();
    const seen = events.flatMap((event) => (event.type === "warning" && event.code === "environment" ? [event] : []));
    expect(seen).toHaveLength(1);
    expect(seen[0]?.message).not.toContain("planted");
    expect(JSON.parse(seen[0]?.message ?? "{}")).toMatchObject({
      PATH: process.env.PATH,
      ASKED_FOR: "wanted",
      THAW_CACHE: "/a/cache",
    });
  });

  it.each([
    ["an event of nothing", "(event: Invalid input: expected object, received undefined)"],
    ["half an event", "(event.loss: Invalid input: expected number, received string)"],
    ["an error of nothing", "(error: Invalid input: expected object, received null)"],
    ["a prototype", 'wrote a line that is no message: {"type":"alive","__proto__"'],
    ["a deep line", 'wrote a line that is no message: {"type":"alive","x":[[[['],
  ])("passes on no message that is not whole: %s", async (behaviour, problem) => {
    const error = await failureOf(linesRunner(behaviour));
    expect(error).toMatchObject({ code: "protocol-invalid", message: expect.stringContaining(problem) });
  });

  it("keeps no line that does not end", async () => {
    expect(await failureOf(linesRunner("no end of a line"))).toMatchObject({
      code: "protocol-invalid",
      message: expect.stringMatching(/: x{200}… \(it does not end within 67108864 characters\)$/),
    });
  });

  it("takes half a line for a crash", async () => {
    expect(await failureOf(linesRunner("half a line"))).toMatchObject({
      code: "runner-crashed",
      message: expect.stringContaining("exit code 3"),
    });
  });

  it("says so when there is no such program", async () => {
    expect(await failureOf(linesRunner("echo", "/nowhere/program"))).toMatchObject({ code: "runner-unavailable" });
    await expect(linesRunner("echo", "/nowhere/program").probe()).rejects.toMatchObject({ code: "runner-unavailable" });
  });

  it("kills a program that stands still for longer than the plan allows", async () => {
    expect(await failureOf(linesRunner("hang"), { stepLimitSeconds: 3 })).toMatchObject({ code: "step-hung" });
  });

  it("kills a program that does not stop when it is told to", async () => {
    const startedMs = performance.now();
    expect(await failureOf(linesRunner("hang"), { signal: AbortSignal.timeout(1000) })).toMatchObject({
      code: "cancelled",
    });
    expect(performance.now() - startedMs).toBeGreaterThan(10_000);
  });

  it("refuses to trace where the program cannot", async () => {
    const trace = { folder, weightsAt: [0] };
    expect(await failureOf(linesRunner("echo"), { trace })).toMatchObject({ code: "trace-unsupported" });
  });

  it("leaves no process behind", async () => {
    const watch = watchDescendants(process.pid, ({ command }) => command.includes("300_000"));
    expect(await failureOf(linesRunner("a child"))).toMatchObject({ code: "runner-crashed" });
    expect(watch.seen()).toBe(1);
    expect(watch.left()).toEqual([]);
  });
});

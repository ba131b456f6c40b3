import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { preparePlan } from "@thaw/assets";
import { parseSpec } from "@thaw/core";
import { beforeAll, describe, expect, it } from "vitest";
import { profileCommand } from "../src/commands/profile.ts";
import { writeProfileFiles } from "../src/profile/profile-files.ts";
import { type ProfileCommandOptions, profileJob, profileRequest } from "../src/profile/profile-options.ts";
import type { ProfileReport } from "../src/profile/profile-report.ts";
import type { TraceEvent } from "../src/profile/trace-file.ts";
import { SMALL_SPEC, specFile, temporaryFolder, thaw } from "./command-line.ts";

const ABSENT = fileURLToPath(new URL("absent-runner.ts", import.meta.url));
const spec = specFile({ ...SMALL_SPEC, epochs: 3 }); // 18 images to train on: two full batches an epoch, and two images
/** What the command line gives where nobody says otherwise. */
const OPTIONS: ProfileCommandOptions = {
  runner: "node",
  steps: "5",
  warmup: "2",
  top: "20",
  json: false,
  set: [],
  requireHardware: false,
  cacheBytes: "1G",
  cacheDisk: "4G",
};

function read<T>(folder: string, name: string): T {
  return JSON.parse(readFileSync(join(folder, name), "utf8")) as T;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe("thaw profile", () => {
  const out = join(temporaryFolder(), "profile");
  let run: Awaited<ReturnType<typeof thaw>>;
  let report: ProfileReport;

  beforeAll(async () => {
    run = await thaw(["profile", spec, "--freeze", "0", "--steps", "4", "--top", "7", "--out", out]);
    report = read(out, "profile.json");
  });

  it("prints where a step's time and memory go, and writes both files", () => {
    expect([run.code, run.stderr]).toEqual([0, expect.stringContaining("ui.perfetto.dev")]);
    expect(readdirSync(out).sort()).toEqual(["profile.json", "trace.json"]);
    for (const words of ["part of a step", "backward ms", "GFLOP/s", "others (--top)", "Live tensors: at most"]) {
      expect(run.stdout).toContain(words);
    }
    expect(run.stdout).toContain("each kernel is done when it returns");
    expect(run.stdout).toMatch(/^- \w+ of \w+: [\d.]+ % of the step, more than any other single kernel\.$/m);
  });

  it("has every layer that trains, forward and backward, and times that add up to the step", () => {
    const { layers, parts, kernels, meanStepMs, clock, profiledSteps } = report;
    expect([clock, profiledSteps.map(({ step }) => step)]).toEqual(["exact", [4, 5, 7, 8]]);
    const trained = layers.filter(({ trains }) => trains);
    // Convolutions, the head, and the normalizations that go backward alone: the projections' and Conv_1's. Forward they
    // are done with their convolution; those of the other convolutions wholly.
    expect(trained.length).toBe(52 + 1 + 17 + 1);
    for (const { layer, type, forwardMs, backwardMs } of trained) {
      expect([layer, forwardMs > 0, backwardMs > 0]).toEqual([layer, type !== "BatchNormalization", true]);
    }
    expect(new Set(layers.flatMap(({ layer, together }) => [layer, ...together])).size).toBe(155);
    const part = (name: string): number => parts.find(({ pass }) => pass === name)?.ms ?? Number.NaN;
    expect(sum(parts.map(({ ms }) => ms))).toBeCloseTo(meanStepMs, 6);
    const forward = sum(layers.map(({ forwardMs }) => forwardMs));
    const backward = sum(layers.map(({ backwardMs }) => backwardMs));
    expect(forward / part("forward")).toBeGreaterThan(0.8); // the rest is the loss
    expect(forward / part("forward")).toBeLessThanOrEqual(1);
    expect(backward / part("backward")).toBeGreaterThan(0.9);
    expect(backward / part("backward")).toBeLessThanOrEqual(1);
    expect(sum(kernels.map(({ ms }) => ms))).toBeLessThan(meanStepMs);
  });

  it("counts the work as the plan does: what a layer does forward, and again for each gradient", () => {
    const { images } = report;
    expect(images).toBe(8);
    const [first, ...rest] = report.layers.filter(({ macs }) => macs > 0);
    expect([first?.layer, first?.macs]).toEqual(["Conv1", 2 * 16 * 16 * 27 * 16 * images]); // no gradient of the images
    const head = rest.at(-1);
    expect([head?.layer, head?.macs]).toEqual(["head", 3 * 1280 * 3 * images]);
    for (const { macs, gigaflops, forwardMs, backwardMs } of rest) {
      expect(gigaflops).toBeCloseTo((2 * macs) / (forwardMs + backwardMs) / 1e6, 6);
    }
  });

  it("follows the live tensors: up in the forward pass, down again", () => {
    const { peakBytes, points, at } = report.memory;
    expect(Math.max(...points.map(({ bytes }) => bytes))).toBe(peakBytes);
    expect(["forward", "backward"]).toContain(at.pass);
    const [start, end] = [points[0]?.bytes ?? 0, points.at(-1)?.bytes ?? 0];
    expect(Math.max(start, end)).toBeLessThan(0.8 * peakBytes);
    expect(points.map(({ ms }) => ms)).toEqual(points.map(({ ms }) => ms).sort((a, b) => a - b));
  });

  it("writes a trace that tools open: known phases, whole fields, spans that nest, times that only grow", () => {
    const { traceEvents, ...head } = read<{ traceEvents: TraceEvent[] }>(out, "trace.json");
    expect(head).toEqual({ displayTimeUnit: "ms" });
    const timed = traceEvents.filter((event) => event.ph !== "M");
    const spans = timed.filter((event) => event.ph === "X");
    for (const event of timed) {
      expect(event).toMatchObject({ name: expect.any(String), cat: expect.any(String), pid: 1, tid: 1 });
      expect(event.ts).toBeGreaterThanOrEqual(0);
    }
    expect(timed.map(({ ts }) => ts)).toEqual(timed.map(({ ts }) => ts).sort((a, b) => a - b));
    const open: number[] = [];
    let deepest = 0;
    for (const { ts, dur, name } of spans) {
      expect(dur, name).toBeGreaterThanOrEqual(0);
      while ((open.at(-1) ?? Number.POSITIVE_INFINITY) <= ts + 1e-6) open.pop();
      expect(ts + dur, `${name} ends within what holds it`).toBeLessThanOrEqual(
        (open.at(-1) ?? Number.POSITIVE_INFINITY) + 1e-6,
      );
      open.push(ts + dur);
      deepest = Math.max(deepest, open.length);
    }
    expect(deepest).toBe(4); // step, part, layer, kernel
    expect(spans.filter(({ cat }) => cat === "step").map(({ name }) => name)).toEqual([
      "step 4",
      "step 5",
      "step 7",
      "step 8",
      "evaluation",
    ]);
    const counters = timed.filter((event) => event.ph === "C");
    const kernels = spans.filter(({ args }) => "bytes" in args);
    expect(counters.map(({ args }) => args.bytes)).toEqual(kernels.map(({ args }) => args.bytes));
  });

  it("never writes over a profile, and says so before it measures", async () => {
    const before = readFileSync(join(out, "profile.json"), "utf8");
    const again = await thaw(["profile", spec, "--out", out]);
    expect([again.code, again.stdout]).toEqual([2, ""]);
    expect(again.stderr).toContain(`error (result-exists): ${join(out, "profile.json")} exists`);
    expect(again.stderr).not.toContain("step 1");
    expect(readFileSync(join(out, "profile.json"), "utf8")).toBe(before);
    const half = temporaryFolder();
    writeFileSync(join(half, "trace.json"), "mine");
    await expect(profileCommand(spec, { ...OPTIONS, out: half })).rejects.toMatchObject({ code: "result-exists" });
    expect(readdirSync(half)).toEqual(["trace.json"]);
  });

  it("prints the report as JSON alone, and says what frozen layers cost and that they are kept", async () => {
    const { code, stdout } = await thaw(["profile", spec, "--json", "--steps", "2", "--warmup", "1"]);
    const { suggestions, layers, parts, depth, evaluation } = JSON.parse(stdout) as ProfileReport;
    expect([code, depth, evaluation?.images]).toEqual([0, "depth 100", 6]);
    expect(parts.map(({ pass }) => pass)).toContain("prefix");
    const inPrefix = layers.filter((row) => row.inPrefix);
    expect(inPrefix[0]).toMatchObject({ layer: "Conv1", backwardMs: 0, trains: false });
    expect(inPrefix[0]?.together).toEqual(["bn_Conv1", "Conv1_relu"]);
    expect(suggestions.join("\n")).toMatch(
      /The frozen layers: \d+(\.\d)? % of the step: [\d.]+ ms in epoch 1; later epochs fetch what is kept below \w+ .*: [\d.]+ ms\./,
    );
  });

  it("profiles the phase that is asked for", async () => {
    const phases = [
      { name: "head", epochs: 2, freeze: 154 },
      { name: "tail", epochs: 2, freeze: 150 },
    ];
    const { epochs: _, ...rest } = SMALL_SPEC;
    const phased = specFile({ ...rest, phases });
    const { stdout } = await thaw(["profile", phased, "--json", "--steps", "1", "--phase", "head"]);
    expect((JSON.parse(stdout) as ProfileReport).depth).toBe("depth 154");
    const { plan } = await preparePlan(parseSpec({ ...rest, phases }), { baseDir: "/", onNote: () => undefined });
    const meant = (options: Partial<ProfileCommandOptions>): unknown =>
      profileRequest(plan, profileJob(plan.spec, { ...OPTIONS, steps: "2", ...options })).request;
    expect(meant({})).toEqual({ phase: "tail", warmupSteps: 2, steps: 2 });
    expect(meant({ warmup: "3" })).toEqual({ phase: "tail", warmupSteps: 3, steps: 2 });
    expect(() => meant({ warmup: "4" })).toThrow("has 1 full batches behind a warm-up of 4");
    expect(profileJob(plan.spec, { ...OPTIONS, freeze: "152", batch: "4" }).spec).toMatchObject({
      freeze: 152,
      batchSize: 4,
      epochs: 2,
    });
    expect(profileJob(plan.spec, { ...OPTIONS, freeze: "152" }).spec).not.toHaveProperty("phases");
    await expect(profileCommand(phased, { ...OPTIONS, phase: "tali" })).rejects.toMatchObject({
      code: "option-invalid",
      hint: 'Did you mean "tail"?',
    });
    await expect(profileCommand(phased, { ...OPTIONS, phase: "tail", freeze: "0" })).rejects.toMatchObject({
      message: "--phase and --freeze exclude each other.",
    });
  });

  it.each([
    ["a runner that is not there", { runner: "nod" }, "runner-unknown"],
    ["a runner that cannot be profiled", { runner: "keras" }, "profile-unsupported"],
    ["a runner whose device is missing", { runner: ABSENT }, "profile-unsupported"],
    ["no step", { steps: "0" }, "option-invalid"],
    ["half a step", { steps: "1.5" }, "option-invalid"],
    ["steps in words", { steps: "many" }, "option-invalid"],
    ["a negative warm-up", { warmup: "-1" }, "option-invalid"],
    ["two batch sizes", { batch: "8,16" }, "option-invalid"],
    ["two depths", { freeze: "0,100" }, "option-invalid"],
    ["more frozen layers than there are", { freeze: "500" }, "freeze-invalid"],
    ["no layer to print", { top: "0" }, "option-invalid"],
    ["a cache of no size", { cacheBytes: "lots" }, "option-invalid"],
    ["a setting that the runner does not know", { set: ["color=red"] }, "setting-invalid"],
    ["a setting of another runner", { set: ["webgpu.color=red"] }, "setting-invalid"],
    ["a phase that is not there", { phase: "second" }, "option-invalid"],
    ["more steps than there are", { steps: "50" }, "option-invalid"],
  ] as const)("refuses %s, with a hint", async (_, options, code) => {
    await expect(profileCommand(spec, { ...OPTIONS, ...options })).rejects.toMatchObject({
      code,
      hint: expect.stringMatching(/\w/),
    });
  });

  it("refuses a sweep, and a folder that is a file", async () => {
    const sweep = specFile({ version: 1, name: "s", experiment: SMALL_SPEC, groups: [{ name: "g", vary: {} }] });
    await expect(profileCommand(sweep, OPTIONS)).rejects.toMatchObject({ code: "spec-invalid" });
    const folder = temporaryFolder();
    const file = join(folder, "file");
    writeFileSync(file, "");
    await expect(profileCommand(spec, { ...OPTIONS, out: file })).rejects.toMatchObject({ code: "result-unwritable" });
    const texts = { "profile.json": "{}", "trace.json": "{}" };
    await expect(writeProfileFiles(join(file, "in"), texts)).rejects.toMatchObject({ code: "result-unwritable" });
    await writeProfileFiles(folder, texts);
    await expect(writeProfileFiles(folder, texts)).rejects.toMatchObject({ code: "result-exists" });
    expect(readdirSync(folder).sort()).toEqual(["file", "profile.json", "trace.json"]);
  });
});

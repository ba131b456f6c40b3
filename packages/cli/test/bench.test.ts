import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type SerializedError, serializeError } from "@thaw/core";
import { beforeAll, describe, expect, it } from "vitest";
import type { BenchCommandOptions } from "../src/bench/bench-options.ts";
import type { BenchReport } from "../src/bench/bench-report.ts";
import { benchCommand } from "../src/commands/bench.ts";
import { exitCodeOf } from "../src/exit-code.ts";
import { SMALL_SPEC, specFile, temporaryFolder, thaw } from "./command-line.ts";

const ABSENT = fileURLToPath(new URL("absent-runner.ts", import.meta.url));
const spec = specFile(SMALL_SPEC);
const folder = dirname(spec);
const recording = join(folder, "bench.json");
/** What the command line gives where nobody says otherwise. */
const OPTIONS: Omit<BenchCommandOptions, "out"> = {
  runners: "node",
  images: "16",
  epochs: "2",
  rounds: "1",
  cache: "on",
  set: [],
  force: false,
  threshold: "3",
  requireHardware: false,
};
const SMALL = ["bench", spec, "--images", "16", "--epochs", "2"];

function read(file: string): BenchReport {
  return JSON.parse(readFileSync(file, "utf8")) as BenchReport;
}

/** The recording with every time multiplied, in a file of its own. */
function slowedDown(factor: number): string {
  const report = read(recording);
  const samples = report.samples.map((sample) => ({
    ...sample,
    epochs: sample.epochs.map((epoch) => ({ ...epoch, trainMs: factor * epoch.trainMs })),
    steps: sample.steps.map((step) => ({ ...step, ms: factor * step.ms })),
  }));
  const file = join(temporaryFolder(), "bench.json");
  writeFileSync(file, JSON.stringify({ ...report, samples }));
  return file;
}

describe("thaw bench", () => {
  const roofs = `echo '{"engine":"E","matmul":{"size":8,"gigaflops":[100]},"copy":{"bytes":8,"threads":1,"gigabytesPerSecond":[10]}}'`;
  let first: Awaited<ReturnType<typeof thaw>>;

  beforeAll(async () => {
    const asked = ["--depths", "100,154", "--rounds", "3", "--baselines", ABSENT, "--roofs", roofs];
    first = await thaw([...SMALL, ...asked, "--out", recording]);
  });

  it("runs every subject at every depth in every round, and keeps the raw samples", () => {
    expect(first.code).toBe(0);
    const { samples, workloads, machine, complete, failures, roofs: measured } = read(recording);
    const order = samples.map(({ round, depth, subject }) => `${round} ${depth} ${subject}`);
    expect(order).toEqual([1, 2, 3].flatMap((round) => [`${round} 100 node`, `${round} 154 node`]));
    for (const { steps, epochs, peakRssBytes } of samples) {
      expect(steps.map(({ epoch, images }) => [epoch, images])).toEqual([1, 1, 2, 2].map((epoch) => [epoch, 8]));
      expect(epochs.map(({ images }) => images)).toEqual([16, 16]);
      expect(peakRssBytes).toBeGreaterThan(1e8);
    }
    expect(workloads.map(({ depth, batchSize }) => [depth, batchSize])).toEqual([
      ["100", 8],
      ["154", 8],
    ]);
    expect([complete, failures, measured.length, machine.arch]).toEqual([true, [], 3, process.arch]);
    expect(readdirSync(folder).sort()).toEqual(["bench.json", "spec.json"]);
  });

  it("prints medians, and says which baseline is missing", () => {
    expect(first.stdout).toContain("img/s, later epochs");
    expect(first.stdout).toMatch(/\d+ % of matmul/);
    expect(first.stdout).toContain('missing: absent: Runner "absent" cannot run here: There is no such device.');
    expect(first.stderr).toContain("round 1/3, depth 100, batch 8, node: first step, ms ");
  });

  it.each([
    ["ten times slower than before", 0.1, 1, "WORSE"],
    ["ten times faster than before", 10, 0, "better"],
  ])("ends with a code for what is %s", async (_, factor, code, word) => {
    const out = join(temporaryFolder(), "bench.json");
    const asked = ["--depths", "154", "--rounds", "3", "--compare", slowedDown(factor), "--out", out];
    const run = await thaw([...SMALL, ...asked]);
    expect(run.stdout).toMatch(new RegExp(`img/s, later epochs +│ [\\d.]+ \\([\\d.]+ – [\\d.]+\\) +│ ${word}`));
    expect(run.code).toBe(code);
  });

  it("does not overwrite a recording, and says so before it measures", async () => {
    const before = readFileSync(recording, "utf8");
    const run = await thaw([...SMALL, "--out", recording]);
    expect([run.code, run.stdout]).toEqual([2, ""]);
    expect(run.stderr).toContain(`error (result-exists): ${recording} exists`);
    expect(run.stderr).not.toContain("data: ");
    expect(readFileSync(recording, "utf8")).toBe(before);
  });

  it("refuses a recording of another experiment before it measures", async () => {
    const other = ["--epochs", "3", "--depths", "100", "--compare", recording, "--out", join(folder, "no.json")];
    const run = await thaw([...SMALL.slice(0, 4), ...other]);
    expect([run.code, run.stdout]).toEqual([2, ""]);
    expect(run.stderr).toContain("error (bench-incomparable)");
    expect(run.stderr).toContain("hint: Record both on one machine");
  });

  it("records a run that crashes, goes on, and says so by its exit code", async () => {
    const diverging = specFile({ ...SMALL_SPEC, optimizer: { name: "sgd", learningRate: 1e38 } });
    const out = join(temporaryFolder(), "bench.json");
    const run = await thaw(["bench", diverging, "--images", "16", "--rounds", "2", "--depths", "100", "--out", out]);
    expect(run.code).toBe(4);
    expect(run.stdout).toContain("failed: node at depth 100, batch 8, round 2 (non-finite): Training stopped");
    const { failures, samples } = read(out);
    expect(failures.map(({ round, code }) => [round, code])).toEqual([
      [1, "non-finite"],
      [2, "non-finite"],
    ]);
    expect(samples).toEqual([]);
  });

  it("fails where a runner is missing, which a baseline may be", async () => {
    const run = await thaw([...SMALL, "--runners", ABSENT, "--out", join(folder, "no.json")]);
    expect(run.code).toBe(3);
    expect(run.stderr).toContain("hint: Buy one.");
  });

  it.each([
    ["a runner that is not there", ["--runners", "nod"], "runner-unknown", 3],
    ["no runner", ["--runners", ","], "option-invalid", 2],
    ["half a round", ["--rounds", "1.5"], "option-invalid", 2],
    ["two numbers of epochs", ["--epochs", "2,3"], "option-invalid", 2],
    ["a batch of nothing", ["--batch", "0"], "option-invalid", 2],
    ["more images than there are", ["--images", "99999"], "option-invalid", 2],
    ["fewer images than a batch", ["--images", "6", "--batch", "8"], "option-invalid", 2],
    ["a cache that is half on", ["--cache", "half"], "option-invalid", 2],
    ["a baseline that has no name", ["--baselines", "keras"], "option-invalid", 2],
    ["a threshold above all", ["--threshold", "200"], "option-invalid", 2],
    ["more frozen layers than there are", ["--depths", "500"], "freeze-invalid", 2],
    ["a recording that is not there", ["--compare", "/nonexistent.json"], "bench-invalid", 2],
    ["a recording that is a spec", ["--compare", spec], "bench-invalid", 2],
    ["a program of roofs that fails", ["--roofs", "exit 3"], "roofs-invalid", 2],
    ["a program of roofs that prints something else", ["--roofs", "echo hello"], "roofs-invalid", 2],
    ["a setting of nobody", ["--set", "webgpu.threads=1"], "setting-invalid", 2],
  ])("refuses %s", async (_, [option = "", value = ""], code, exitCode) => {
    const change = { [option.slice(2)]: option === "--set" ? [value] : value };
    const out = join(folder, "no.json");
    const error = await benchCommand(spec, { ...OPTIONS, out, ...change }).catch(serializeError);
    expect(error).toMatchObject({ code, hint: expect.any(String) });
    expect(exitCodeOf(error as SerializedError)).toBe(exitCode);
    expect(existsSync(out)).toBe(false);
  });
});

import { describe, expect, it } from "vitest";
import { FORMATS } from "../src/formats/formats.ts";
import { compareReports } from "../src/parity/drift.ts";
import { type EquivalenceResult, NOT_FINITE, type ParityReport, type RungResult } from "../src/parity/report.ts";
import type { Environment } from "../src/runner/environment.ts";

const CHROMIUM: Environment = {
  runner: "webgpu",
  engine: "tfjs-backend-webgpu 4.22.0",
  device: { kind: "gpu", name: "SwiftShader", software: true },
  adapter: {
    vendor: "google",
    architecture: "swiftshader",
    device: "",
    description: "SwiftShader Device",
    driver: "SwiftShader 5.0",
    features: ["shader-f16", "timestamp-query"],
    limits: { maxBufferSize: 1024 },
  },
  settings: { requireHardware: false, plainKernels: "" },
  versions: { chromium: "140.0", tfjs: "4.22.0", flags: `--enable-unsafe-webgpu ${"--no-first-run ".repeat(4)}--sync` },
  platform: { os: "Linux 6.1", arch: "x64", cores: 2, memoryBytes: 8e9 },
};

const measure = (value: number, bound = 1e-3): NonNullable<RungResult["worst"]> => ({
  at: { step: 1, tensor: "Conv1/kernel" },
  value,
  bound,
  what: "relative L2 error of the gradient",
});

function verdict(change: Partial<RungResult> = {}): RungResult {
  const base = {
    rung: "L3",
    runner: "webgpu",
    depth: "0",
    status: "pass",
    checks: 100,
    failures: [],
    failed: 0,
  } as const;
  return { ...base, worst: measure(1e-4), ...change };
}

function report(results: readonly RungResult[], change: Partial<ParityReport> = {}): ParityReport {
  return {
    version: FORMATS.parityReport.version,
    name: "golden",
    specHash: "s",
    thawVersion: "0.1.0",
    startedAt: "2026-01-01T00:00:00Z",
    wallMs: 1,
    reference: { runner: "keras", dtype: "float64", environment: { ...CHROMIUM, versions: { keras: "3.15.0" } } },
    weightsAt: [4],
    depths: ["0"],
    runners: [{ name: "webgpu", environment: CHROMIUM, required: true }],
    results,
    equivalence: [],
    divergences: [],
    passed: true,
    ...change,
  };
}

const drifts = (before: Partial<RungResult>, now: Partial<RungResult>): unknown =>
  compareReports(report([verdict(before)]), report([verdict(now)])).map(({ what, before: was, now: is }) => [
    what,
    was,
    is,
  ]);

const WORST = "worst part of its bound: relative L2 error of the gradient (step 1, Conv1/kernel)";

describe("drift against a recorded report", () => {
  it("finds nothing between a report and itself", () => {
    expect(drifts({}, {})).toEqual([]);
  });

  it("reports a verdict that changed, but not one that is new", () => {
    expect(drifts({}, { status: "fail" })).toEqual([["status", "pass", "fail"]]);
    expect(drifts({ status: "fail" }, {})).toEqual([["status", "fail", "pass"]]);
    expect(drifts({}, { status: "not-run", worst: null, checks: 0 })).toEqual([["status", "pass", "not-run"]]);
    expect(drifts({ status: "not-run", worst: null, checks: 0 }, {})).toEqual([]);
    expect(compareReports(report([]), report([verdict()]))).toEqual([]);
    expect(compareReports(report([verdict()]), report([]))).toEqual([]);
  });

  it("reports a worst measure that grew threefold to above a tenth of its bound, whatever the bound", () => {
    expect(drifts({}, { worst: measure(3.1e-4) })).toEqual([[WORST, 0.1, 0.31]]);
    expect(drifts({}, { worst: measure(2.9e-4) })).toEqual([]);
    expect(drifts({ worst: measure(1e-6) }, { worst: measure(0.9e-4) })).toEqual([]);
    expect(drifts({ worst: measure(0) }, { worst: measure(1.1e-4) })).toEqual([[WORST, 0, 0.11]]);
    expect(drifts({}, { worst: measure(2e-4, 2e-3) })).toEqual([]);
    expect(drifts({}, { worst: measure(NOT_FINITE) })).toEqual([[WORST, 0.1, NOT_FINITE]]);
  });

  it("reports the layer that grew behind an unchanged worst measure", () => {
    const point = (name: string, value: number): object => ({ name, value, bound: 1e-3 });
    const curve = (first: number, second: number): NonNullable<RungResult["curve"]> =>
      [point("Conv1", first), point("head", second), point("new", 1)] as NonNullable<RungResult["curve"]>;
    expect(drifts({ curve: curve(1e-6, 1e-5).slice(0, 2) }, { curve: curve(5e-4, 8e-4) })).toEqual([
      ["part of its bound at head", 0.01, 0.8],
    ]);
    expect(drifts({ curve: curve(1e-6, 1e-5) }, { curve: curve(5e-5, 1e-5) })).toEqual([]);
  });

  it("lets a trajectory move within the runner's own noise", () => {
    const noisy = (selfNoise: number): Partial<RungResult> => ({
      worst: measure(5e-4),
      curve: [{ name: "step 4: loss", value: 5e-4, bound: 1e-3, selfNoise }],
    });
    expect(drifts({ worst: measure(1e-6) }, noisy(5e-4))).toEqual([]);
    expect(drifts({ worst: measure(1e-6) }, noisy(4e-4))).toEqual([[WORST, 1e-3, 0.5]]);
  });

  it("reports a bound that was loosened, except where self-noise sets it, and checks that are gone", () => {
    const loose = { worst: measure(1e-4, 5e-3) };
    expect(drifts({}, loose)).toEqual([
      ["bound: relative L2 error of the gradient (step 1, Conv1/kernel)", 1e-3, 5e-3],
    ]);
    expect(drifts({ rung: "L4" }, { rung: "L4", ...loose })).toEqual([]);
    expect(drifts({}, { checks: 90 })).toEqual([["numbers held against bounds", 100, 90]]);
    expect(drifts({}, { checks: 110 })).toEqual([]);
  });

  it("reports a mean accuracy that moved by more than delta over the shared seeds, and not by chance", () => {
    const outcome = (runner: readonly number[], seeds: readonly number[]): EquivalenceResult =>
      ({
        runner: "webgpu",
        depth: "0",
        delta: 1,
        alpha: 0.05,
        seeds,
        accuracies: { runner, reference: [] },
      }) as unknown as EquivalenceResult;
    const withOutcome = (accuracies: readonly number[], seeds = [0, 1, 2]): ParityReport =>
      report([verdict({ rung: "L5", worst: null })], { equivalence: [outcome(accuracies, seeds)] });
    const [found, ...rest] = compareReports(withOutcome([80, 81, 10]), withOutcome([82.1, 82.9, 99], [0, 1, 3]));
    expect(rest).toEqual([]);
    expect(found).toMatchObject({ rung: "L5", what: "mean test accuracy over 2 seeds, %", before: 80.5, now: 82.5 });
    expect(compareReports(withOutcome([80, 81, 82]), withOutcome([95, 71, 89]))).toEqual([]);
    expect(compareReports(withOutcome([80], [0]), withOutcome([90], [0]))).toEqual([]);
    expect(compareReports(withOutcome([80, 81, 82]), withOutcome([80.5, 81.5, 82.5]))).toEqual([]);
  });
});

describe("what changed beside", () => {
  const causes = (change: Partial<ParityReport>): readonly string[] | undefined =>
    compareReports(report([verdict()]), report([verdict({ status: "fail" })], change))[0]?.environmentChanges;

  it("is empty where all is the same", () => {
    expect(causes({})).toEqual([]);
    expect(causes({ runners: [{ name: "webgpu", environment: null, required: true }] })).toEqual([]);
  });

  it("names versions, settings, devices, features, and only the words of a long list that differ", () => {
    const environment: Environment = {
      ...CHROMIUM,
      device: { kind: "gpu", name: "NVIDIA H100", software: false },
      adapter: { ...CHROMIUM.adapter, features: ["timestamp-query"], limits: { maxBufferSize: 2048 } } as NonNullable<
        Environment["adapter"]
      >,
      settings: { requireHardware: true, plainKernels: "" },
      versions: { ...CHROMIUM.versions, chromium: "141.0", flags: `${"--no-first-run ".repeat(4)}--sync --new` },
    };
    const runners = [{ name: "webgpu", environment, required: true }];
    expect(causes({ thawVersion: "0.2.0", runners })).toEqual([
      "Thaw: 0.1.0 → 0.2.0",
      "device: software (SwiftShader) → NVIDIA H100",
      "adapter features: shader-f16 timestamp-query → timestamp-query",
      "limit maxBufferSize: 1024 → 2048",
      "setting requireHardware: false → true",
      "chromium: 140.0 → 141.0",
      "flags: without --enable-unsafe-webgpu, with --new",
    ]);
  });

  it("names a change of the reference", () => {
    const { environment } = report([]).reference;
    const newer = { ...environment, versions: { keras: "3.16.0" } };
    expect(causes({ reference: { runner: "keras", dtype: "float64", environment: newer } })).toEqual([
      "reference keras: 3.15.0 → 3.16.0",
    ]);
    expect(causes({ reference: { runner: "node", dtype: "float32", environment } })).toEqual([
      "reference: keras float64 → node float32",
    ]);
  });
});

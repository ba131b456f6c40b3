import { type Environment, FORMATS } from "@thaw/core";
import {
  type CurvePoint,
  type EquivalenceResult,
  type Measure,
  type ParityReport,
  type RungResult,
  verdictOf,
} from "@thaw/core/parity";

const PLATFORM: Environment["platform"] = { os: "Linux 6.1", arch: "x64", cores: 2, memoryBytes: 8e9 };

export const KERAS: Environment = {
  runner: "keras",
  engine: "Keras 3.15.0 on TensorFlow 2.21.0",
  device: { kind: "cpu", name: "AMD EPYC", software: false },
  settings: { dtype: "float64" },
  versions: { python: "3.11.9", keras: "3.15.0" },
  platform: PLATFORM,
};

export const NODE: Environment = {
  ...KERAS,
  runner: "node",
  engine: "libtensorflow 2.21.0",
  settings: { threads: 2, oneDnn: true, tf32: false },
  versions: { node: "20.20.2" },
};

export const WEBGPU: Environment = {
  runner: "webgpu",
  engine: "tfjs-backend-webgpu 4.22.0",
  device: { kind: "gpu", name: "SwiftShader", software: true },
  adapter: {
    vendor: "google",
    architecture: "swiftshader",
    device: "",
    description: "SwiftShader Device (LLVM 16)",
    driver: "SwiftShader 5.0.0 | Vulkan",
    features: ["shader-f16"],
    limits: { maxBufferSize: 1024 },
  },
  settings: { requireHardware: false },
  versions: { chromium: "140.0", flags: "--enable-unsafe-webgpu --no-sandbox" },
  platform: PLATFORM,
};

/** A network's worth of layers, first to last. */
const LAYERS = Array.from({ length: 60 }, (_, index) => `block_${Math.floor(index / 4)}_${index % 4}`);

/** Errors that grow tenfold from the first layer to the last. */
function curve(first: number, bound: number): readonly CurvePoint[] {
  return LAYERS.map((name, index) => ({ name, value: first * 10 ** (index / LAYERS.length), bound }));
}

function measures(points: readonly CurvePoint[], what: string): readonly Measure[] {
  return points.map(({ name, value, bound }) => ({ at: { step: 1, tensor: `${name}/kernel` }, value, bound, what }));
}

function exact(runner: string, depth: string): RungResult {
  const what = "SHA-256 of the batch's labels";
  return verdictOf({ rung: "L0", runner, depth }, [{ at: { step: 1, tensor: "labels" }, value: 0, bound: 0, what }]);
}

function operations(runner: string): RungResult {
  const at = { op: "conv2dKernelGradient 3x3 stride 2" };
  const what = "error over its bound";
  return verdictOf({ rung: "L1", runner, depth: null }, [{ at, value: 0.53, bound: 1, what }]);
}

/** L3, with errors that grow from `first`. */
export function gradients(runner: string, depth: string, first: number): RungResult {
  const points = curve(first, 2e-3);
  const what = "relative L2 error of the gradient";
  const note = "Rounding carried values across a kink of block_13_expand_relu (1).";
  return verdictOf({ rung: "L3", runner, depth }, measures(points, what), { curve: points, note });
}

function trajectory(runner: string, depth: string): RungResult {
  const what = "relative difference of the loss";
  const losses = [1, 2, 3, 4].map((step) => ({ at: { step }, what, value: 1e-7 * 4 ** step, bound: 1e-3 }));
  const points = losses.map(({ at: { step }, value, bound }) => {
    return { name: `step ${step}: ${what}`, value, bound, selfNoise: 4 * value };
  });
  return verdictOf({ rung: "L4", runner, depth }, losses, { curve: points });
}

const OUTCOME: EquivalenceResult = {
  runner: "node",
  reference: "keras",
  depth: "100",
  seeds: [0, 1, 2],
  differences: [0, -1.4, 1.4],
  meanDifference: 0,
  standardDeviation: 1.4,
  interval: [-2.36, 2.36],
  delta: 1,
  alpha: 0.05,
  p: 0.17,
  equivalent: false,
  power: 0.05,
  seedsNeeded: 23,
  agreement: { equal: 380, images: 387 },
  accuracies: { runner: [73.6, 72.2, 75], reference: [73.6, 73.6, 73.6] },
};

/** Every verdict of one runner at two depths; its gradients err by up to ten times `first` at depth 0. */
function verdicts(runner: string, first: number): readonly RungResult[] {
  return [
    operations(runner),
    ...["0", "100"].flatMap((depth) => [
      exact(runner, depth),
      gradients(runner, depth, depth === "0" ? first : 1e-7),
      trajectory(runner, depth),
    ]),
  ];
}

/** A report as `thaw parity` gives it, in which all went well; dawn, which nobody insisted on, is missing. */
export function goodReport(change: Partial<ParityReport> = {}): ParityReport {
  return {
    version: FORMATS.parityReport.version,
    name: "golden",
    specHash: "0123456789abcdef0123456789abcdef",
    thawVersion: "0.1.0",
    startedAt: "2026-01-02T03:04:05.678Z",
    wallMs: 61_000,
    reference: { runner: "keras", dtype: "float64", environment: KERAS },
    weightsAt: [4],
    depths: ["0", "100"],
    runners: [
      { name: "node", environment: NODE, required: true },
      { name: "webgpu", environment: WEBGPU, required: true },
      {
        name: "dawn",
        environment: null,
        required: false,
        missing: { code: "webgpu-unavailable", reason: "There is no Vulkan loader.", hint: "Install libvulkan1." },
      },
    ],
    results: [...verdicts("node", 1e-7), ...verdicts("webgpu", 1.6e-4)],
    equivalence: [],
    divergences: [],
    passed: true,
    ...change,
  };
}

/** The same with what can go wrong: gradients of webgpu at depth 0, L4 in error, L5 undecided, drift. */
export function badReport(change: Partial<ParityReport> = {}): ParityReport {
  const good = goodReport();
  const broken = gradients("webgpu", "0", 1.1e-3);
  const results = good.results.flatMap((cell): readonly RungResult[] => {
    if (cell.runner !== "webgpu" || cell.depth !== "0") return [cell];
    if (cell.rung === "L3") return [broken];
    if (cell.rung !== "L4") return [cell];
    const note = 'The page crashed ("out of memory" <GPU>) & was closed.\u001b[0m';
    return [{ ...cell, status: "error", worst: null, checks: 0, note }];
  });
  const l5 = verdictOf(
    { rung: "L5", runner: "node", depth: "100" },
    [{ at: {}, value: 2.36, bound: 1, what: "far end of the 90 % interval, pp" }],
    { note: "undecided: 23 seeds needed" },
  );
  const asked = { rung: "L5", runner: "webgpu", depth: "100", status: "not-run", worst: null, checks: 0 } as const;
  const sentence =
    "webgpu leaves keras at L3 gradients, depth 0, step 1: block_2_1/kernel is off by 2.0e-3 (bound 2.0e-3) | first of 36.";
  return {
    ...good,
    results: [...results, l5, { ...asked, failures: [], failed: 0, note: "nobody asked for seeds" }],
    equivalence: [OUTCOME],
    divergences: [{ rung: "L3", runner: "webgpu", depth: "0", measure: broken.failures[0] ?? null, sentence }],
    drift: [
      {
        rung: "L3",
        runner: "webgpu",
        depth: "0",
        what: "worst part of its bound: relative L2 error of the gradient (step 1, block_14_3/kernel)",
        before: 0.8,
        now: 5.3,
        environmentChanges: ["chromium: 139.0 → 140.0", "flags: with --no-sandbox"],
      },
    ],
    passed: false,
    ...change,
  };
}

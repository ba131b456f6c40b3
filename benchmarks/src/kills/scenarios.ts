import type { ProcessInfo } from "@thaw/runner-kit";
import { isBrowser, isChild, isPython, typeOf } from "../process-roles.ts";

/** What is killed, and while what goes on. */
export interface Scenario {
  readonly name: string;
  readonly victim: string;
  /** Share of a campaign's kills. */
  readonly share: number;
  /** Arguments of `thaw`; the name of an experiment stands for its file. */
  command(out: string): readonly string[];
  /** Finds what to kill among a command's descendants; absent where it is the command itself. */
  find?(descendants: readonly ProcessInfo[]): ProcessInfo | undefined;
  /** Kept outputs of frozen layers in a cache of the run's own: that of this machine would have them after one run. */
  readonly hasOwnFeatures?: boolean;
  /** What a run needs in its folder before the command, as a finished run leaves it. */
  readonly prepared?: readonly string[];
}

/** Images and network of all scenarios: small, so that what surrounds a step is a large part of it. */
const EXPERIMENT = {
  version: 1,
  model: { alpha: 0.35, imageSize: 32, weights: "random", head: { dropout: 0.2 } },
  data: { kind: "builtin", name: "fashion-shoes", limit: 40 },
  split: { validation: 0.2, test: 0.2 },
  augmentation: { horizontalFlip: true },
  shuffle: true,
  batchSize: 6,
  record: "steps",
  seed: 11,
} as const;

/** Two phases, a learning rate that falls, early stopping that restores: all that a checkpoint has to carry. */
export const EXPERIMENTS: Readonly<Record<"long" | "short" | "cached", object>> = {
  long: {
    ...EXPERIMENT,
    name: "long",
    phases: [
      { name: "head", epochs: 2, freeze: 155, optimizer: { name: "rmsprop", learningRate: 1e-3 } },
      {
        name: "top",
        epochs: 14,
        freeze: 145,
        optimizer: { name: "adam", learningRate: { schedule: "cosine", initial: 1e-3, decaySteps: 56 } },
      },
    ],
    earlyStopping: { monitor: "validationLoss", patience: 10, restoreBestWeights: true },
  },
  short: { ...EXPERIMENT, name: "short", epochs: 8, freeze: 150 },
  cached: { ...EXPERIMENT, name: "cached", epochs: 14, freeze: 154 },
};

/** `thaw run` of an experiment, with a checkpoint after every step. */
function training(experiment: keyof typeof EXPERIMENTS, runner: string, ...more: string[]): Scenario["command"] {
  return (out) => [
    "run",
    experiment,
    ...["--runner", runner, "--out", out, "--checkpoint-every", "0", "--export-weights", `${out}/final.safetensors`],
    ...more,
  ];
}

const disk = training("cached", "node", "--cache-bytes", "0", "--cache-disk", "1G");
const sweep = (out: string): readonly string[] => [
  ...["sweep", "short", "--freeze", "150,152,154", "--runner", "node", "--out", out],
  ...["--checkpoint-every", "0", "--save-models", "--csv", `${out}/epochs.csv`],
];

/** What a campaign kills. */
export const SCENARIOS: readonly Scenario[] = [
  { name: "training on node", victim: "the command", share: 40, command: training("long", "node") },
  {
    name: "training on node",
    victim: "the node child",
    share: 30,
    command: training("long", "node"),
    find: (all) => all.find(isChild),
  },
  { name: "caching on disk", victim: "the command", share: 10, command: disk, hasOwnFeatures: true },
  {
    name: "caching on disk",
    victim: "the node child",
    share: 15,
    command: disk,
    hasOwnFeatures: true,
    find: (all) => all.find(isChild),
  },
  {
    name: "training on dawn",
    victim: "the dawn child",
    share: 10,
    command: training("long", "dawn"),
    find: (all) => all.find(isChild),
  },
  { name: "training on webgpu", victim: "the command", share: 10, command: training("short", "webgpu") },
  {
    name: "training on webgpu",
    victim: "Chromium",
    share: 15,
    command: training("short", "webgpu"),
    find: (all) => all.find((entry) => isBrowser(entry) && typeOf(entry) === undefined),
  },
  {
    name: "training on webgpu",
    victim: "its GPU process",
    share: 15,
    command: training("short", "webgpu"),
    find: (all) => all.find((entry) => isBrowser(entry) && typeOf(entry) === "gpu-process"),
  },
  {
    name: "training on keras",
    victim: "Python",
    share: 12,
    command: training("short", "keras"),
    find: (all) => all.find(isPython),
  },
  { name: "a sweep with models and a table", victim: "the command", share: 30, command: sweep },
  {
    name: "a sweep with models and a table",
    victim: "the node child",
    share: 10,
    command: sweep,
    find: (all) => all.find(isChild),
  },
  {
    name: "writing a report",
    victim: "the command",
    share: 20,
    command: (out) => ["report", out, "--out", `${out}/report.html`, "--markdown", `${out}/report.md`],
    prepared: ["sweep", "short", "--freeze", "150,154", "--runner", "node"],
  },
];

import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import type { Kernels } from "../src/kernels/kernels.ts";
import type { RunEvent } from "../src/runner/runner.ts";
import type { SpecInput } from "../src/spec/schema.ts";
import type { CheckpointStore } from "../src/train/checkpoint.ts";
import { cpuKernels } from "./cpu-engine.ts";
import { complete, lasting, runEvents, type TinyResult, type TinyRun, tinyRun } from "./tiny-run.ts";

/** A store in memory. */
interface MemoryStore extends CheckpointStore {
  bytes: Uint8Array | null;
}

function memoryStore(fields: Partial<CheckpointStore> = {}): MemoryStore {
  return {
    everyMs: 0,
    by: "the test",
    bytes: null,
    async read() {
      return this.bytes;
    },
    async write(bytes) {
      this.bytes = Uint8Array.from(bytes);
    },
    ...fields,
  };
}

/** Runs until the checkpoint after a step is written, and drops the run there, as a kill would. */
async function killAfter(run: TinyRun, step: number, store: MemoryStore, host: object = {}): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of runEvents(run, { ...host, checkpoints: store })) {
    events.push(event);
    if (event.type === "checkpoint" && event.step >= step) return events;
  }
  return events;
}

/** An outcome without times, and without the traces of being resumed. */
function numbers({ outcome }: TinyResult): unknown {
  const { resumed: _resumed, ...rest } = lasting(outcome) as { resumed?: unknown };
  return rest;
}

const PHASES = [
  { name: "head", epochs: 2, freeze: 155 },
  {
    name: "top",
    epochs: 3,
    freeze: 150,
    optimizer: { name: "rmsprop", learningRate: 1e-4, momentum: 0.9, centered: true },
  },
] satisfies SpecInput["phases"];

const HARD: readonly (readonly [string, Partial<SpecInput>, object])[] = [
  ["the head on kept outputs", { epochs: 3 }, {}],
  [
    "augmentation, dropout and a schedule",
    {
      epochs: 3,
      shuffle: true,
      freeze: 150,
      augmentation: { horizontalFlip: true, maxShift: 2 },
      model: { alpha: 0.35, imageSize: 32, head: { dropout: 0.3 } },
      optimizer: { name: "adam", learningRate: { schedule: "cosine", initial: 1e-3, decaySteps: 5 } },
    },
    {},
  ],
  [
    "flips, of which few are kept",
    { epochs: 3, shuffle: true, augmentation: { horizontalFlip: true } },
    {
      cache: { memoryBytes: 30_000, diskBytes: 0 },
    },
  ],
  ["two phases", { phases: PHASES }, {}],
  [
    "early stopping",
    {
      epochs: 8,
      optimizer: { name: "sgd", learningRate: 3, momentum: 0.9, nesterov: true },
      earlyStopping: { monitor: "validationLoss", patience: 2, restoreBestWeights: true },
    },
    {},
  ],
];

describe("a run that is killed", () => {
  it.each(HARD)("ends with the same bits wherever it is killed: %s", async (_, fields, host) => {
    const run = await tinyRun(fields);
    const whole = await complete(run, host);
    const steps = whole.outcome.timing.stepMs.length;
    for (let step = 1; step < steps; step += 1) {
      const store = memoryStore();
      await killAfter(run, step, store, host);
      const rest = await complete(run, { ...host, checkpoints: store });
      expect(rest.outcome.resumed).toEqual([step]);
      expect(rest.outcome.timing.stepMs).toHaveLength(steps);
      expect(rest.events.flatMap((event) => (event.type === "step" ? [event.step] : []))[0]).toBe(step + 1);
      expect(numbers(rest)).toEqual(numbers(whole));
    }
  });

  it("keeps outputs again in the batches that they came in, where a backend rounds by the batch", async () => {
    const kernels = await cpuKernels();
    const rounding: Kernels<tf.Tensor> = {
      ...kernels,
      conv2d(...given) {
        const exact = kernels.conv2d(...given);
        const rounded = tf.mul(exact, 1 + (exact.shape[0] ?? 0) * 1e-5);
        kernels.dispose(exact);
        return rounded;
      },
    };
    const fields = { epochs: 4, shuffle: true, batchSize: 4, augmentation: { horizontalFlip: true } };
    const run = await tinyRun(fields, { images: 14 });
    const whole = await complete(run, { kernels: rounding });
    expect(whole.events).toContainEqual(expect.objectContaining({ code: "cache-batch-rounding" }));
    for (const step of [2, 5, 8]) {
      const store = memoryStore();
      await killAfter(run, step, store, { kernels: rounding });
      const rest = await complete(run, { kernels: rounding, checkpoints: store });
      expect(rest.outcome.digests.final).toBe(whole.outcome.digests.final);
      expect(rest.outcome.steps).toEqual(whole.outcome.steps);
    }
  });

  it("may be killed again and again", async () => {
    const run = await tinyRun({ phases: PHASES, augmentation: { horizontalFlip: true } });
    const whole = await complete(run);
    const steps = whole.outcome.timing.stepMs.length;
    const store = memoryStore();
    for (let step = 1; step <= steps; step += 1) {
      const events = await killAfter(run, step, store);
      expect(events.filter(({ type }) => type === "step")).toHaveLength(1);
      const resume = events.find((event) => event.type === "resume");
      expect(resume?.step ?? 0).toBe(step - 1);
    }
    const rest = await complete(run, { checkpoints: store });
    expect(rest.outcome.resumed).toEqual(Array.from({ length: steps }, (_, index) => index + 1));
    expect(numbers(rest)).toEqual(numbers(whole));
  });

  it("leaves a checkpoint when it is cancelled", async () => {
    const run = await tinyRun({ epochs: 3 });
    const store = memoryStore({ everyMs: 1e9 });
    const controller = new AbortController();
    const cancelled = async (): Promise<void> => {
      for await (const event of runEvents(run, { checkpoints: store, signal: controller.signal })) {
        if (event.type === "step" && event.step === 3) controller.abort();
      }
    };
    await expect(cancelled()).rejects.toMatchObject({ code: "cancelled" });
    const rest = await complete(run, { checkpoints: store });
    expect(rest.outcome.resumed).toEqual([3]);
    expect(numbers(rest)).toEqual(numbers(await complete(run)));
  });

  it("writes no more often than it is asked to", async () => {
    let now = 0;
    const synchronize = async (): Promise<void> => {
      now += 400;
    };
    const host = { now: () => now, synchronize };
    const events = await killAfter(await tinyRun({ epochs: 4 }), 1e9, memoryStore({ everyMs: 1000 }), host);
    const written = events.flatMap((event) => (event.type === "checkpoint" ? [event.step] : []));
    expect(written).toEqual([3, 6]);
  });
});

describe("a checkpoint", () => {
  it.each([
    ["of another program", { by: "another" }, {}],
    ["of another engine", {}, { engine: "another" }],
    ["of other settings", {}, { settings: { threads: 3 } }],
  ])("%s is told and not used", async (_, store, environment) => {
    const run = await tinyRun({ epochs: 2 });
    const written = memoryStore();
    await killAfter(run, 2, written);
    const machine = {
      runner: "test",
      engine: "tfjs cpu",
      device: { kind: "cpu", name: "JavaScript", software: false },
    };
    const platform = { os: "any", arch: "any", cores: 1, memoryBytes: 0 };
    const rest = await complete(run, {
      environment: { ...machine, settings: {}, versions: {}, platform, ...environment } as never,
      checkpoints: memoryStore({ ...store, read: async () => written.bytes }),
    });
    const warning = rest.events.find((event) => event.type === "warning");
    expect(warning).toMatchObject({ code: "checkpoint-ignored" });
    expect(rest.outcome.resumed).toBeUndefined();
    expect(numbers(rest)).toEqual(numbers(await complete(run)));
  });

  it("of another plan is told and not used", async () => {
    const store = memoryStore();
    await killAfter(await tinyRun({ epochs: 2, seed: 5 }), 2, store);
    const rest = await complete(await tinyRun({ epochs: 2, seed: 6 }), { checkpoints: store });
    expect(rest.events).toContainEqual(expect.objectContaining({ code: "checkpoint-ignored" }));
  });

  it("with any bit flipped, or cut off anywhere, is told and not used", async () => {
    const run = await tinyRun({ epochs: 2 });
    const written = memoryStore();
    await killAfter(run, 2, written);
    const bytes = written.bytes ?? new Uint8Array();
    const damaged = [0, 9, 300, bytes.length >> 1, bytes.length - 1].map((place) => {
      const copy = bytes.slice();
      copy[place] = (copy[place] ?? 0) ^ 4;
      return copy;
    });
    for (const spoilt of [...damaged, bytes.slice(0, -1), bytes.slice(0, 5), new Uint8Array()]) {
      const events = await killAfter(run, 1, memoryStore({ read: async () => spoilt }));
      expect(events).toContainEqual(expect.objectContaining({ code: "checkpoint-ignored" }));
      expect(events.filter(({ type }) => type === "resume")).toEqual([]);
    }
  });

  it("that cannot be written costs a warning, not the run", async () => {
    const write = async (): Promise<void> => {
      throw new Error("no space left on device");
    };
    const { events, outcome } = await complete(await tinyRun({ epochs: 1 }), { checkpoints: memoryStore({ write }) });
    const message = "No checkpoint after step 1: no space left on device"; // told once, of two steps
    expect(events.filter(({ type }) => type === "warning")).toEqual([
      { type: "warning", code: "checkpoint-failed", message },
    ]);
    expect(outcome.epochs).toHaveLength(1);
  });
});

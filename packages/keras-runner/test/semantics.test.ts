import { mkdtempSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@thaw/assets";
import { blobPath, type NamedTensors, type Plan, type SpecInput } from "@thaw/core";
import { contractPlan } from "@thaw/core/contract";
import { describe, expect, it } from "vitest";
import { coreRun } from "./core-run.ts";
import { kerasRun } from "./keras-run.ts";

const store = openStore(mkdtempSync(join(tmpdir(), "thaw-")));

/** Between them everything that a spec can say about training; each runs for a few steps on 14 drawn images. */
const PLANS: readonly (readonly [name: string, spec: Partial<SpecInput>])[] = [
  [
    "rules with multipliers, dropout, augmentation, sgd with a warm-up",
    {
      freeze: [
        { layers: "block_1[56]_.*", train: false },
        { layers: "head", lrMultiplier: 10 },
        { layers: "Conv_1.*|block_14_.*", lrMultiplier: 0.5 },
        { layers: ".*", train: false },
      ],
      model: { alpha: 0.35, imageSize: 32, weights: "random", head: { dropout: 0.5 } },
      augmentation: { horizontalFlip: true, maxShift: 3 },
      optimizer: {
        name: "sgd",
        momentum: 0.9,
        nesterov: true,
        learningRate: { schedule: "cosine", initial: 1e-3, decaySteps: 5, warmupSteps: 2, alpha: 0.1 },
      },
      epochs: 2,
    },
  ],
  [
    "frozen batch normalization on batch statistics, centered rmsprop on a staircase",
    {
      freeze: "block_13_expand",
      frozenBatchNorm: "batch-stats",
      split: { validation: 0.2, test: 0.2, by: "stratified" },
      optimizer: {
        name: "rmsprop",
        momentum: 0.5,
        centered: true,
        epsilon: 1e-3,
        learningRate: { schedule: "exponential", initial: 1e-3, decaySteps: 2, decayRate: 0.5, staircase: true },
      },
      epochs: 2,
    },
  ],
  [
    "every batch normalization in inference mode, phases, early stopping back to the best weights",
    {
      epochs: undefined,
      batchNorm: "inference-all",
      earlyStopping: { monitor: "validationLoss", patience: 0, restoreBestWeights: true },
      phases: [
        { name: "head", epochs: 1, freeze: 155, optimizer: { name: "adam", learningRate: 1e-2 } },
        {
          name: "all",
          epochs: 4,
          freeze: 0,
          optimizer: {
            name: "adam",
            learningRate: { schedule: "piecewise", boundaries: [2], values: [1e-4, 0.3] },
          },
        },
      ],
    },
  ],
];

/** Largest difference between two sets of weights, relative to the largest weight of each tensor. */
function weightError(found: NamedTensors, expected: NamedTensors): number {
  expect([...found.keys()]).toEqual([...expected.keys()]);
  let worst = 0;
  for (const [name, { data }] of expected) {
    const other = found.get(name)?.data ?? [];
    let [largest, difference] = [1e-6, 0];
    for (const [index, value] of data.entries()) {
      largest = Math.max(largest, Math.abs(value));
      difference = Math.max(difference, Math.abs(value - (other[index] ?? Number.NaN)));
    }
    worst = Math.max(worst, difference / largest);
  }
  return worst;
}

/**
 * A plan on images whose pixels are 0 or 255: core scales pixels in float32, Keras in float64, and only these come out
 * the same. Batch statistics of a few images amplify everything else beyond any use.
 */
async function blackAndWhite(plan: Plan): Promise<Plan> {
  const shards = await Promise.all(
    plan.dataset.shards.map(async ({ sha256, count }) => {
      const pixels = await readFile(join(store.folder, blobPath(sha256)));
      return { ...(await store.put(pixels.map((pixel) => (pixel % 30 < 15 ? 0 : 255)))), count };
    }),
  );
  return { ...plan, dataset: { ...plan.dataset, shards } };
}

/** Core says losses in float32, and keeps the best weights in it. */
const LOSS_ERROR = 1e-4;
const WEIGHT_ERROR = 3e-5;

function expectClose(found: number | undefined, expected: number): void {
  expect(Math.abs((found ?? Number.NaN) - expected) / Math.abs(expected)).toBeLessThan(LOSS_ERROR);
}

describe("Keras does what core does", () => {
  it.each(PLANS)(
    "%s",
    async (_, spec) => {
      const plan = await blackAndWhite(await contractPlan(store, spec));
      const [core, keras] = await Promise.all([coreRun(plan, store.folder), kerasRun(plan, store.folder)]);
      const [expected, found] = [core.outcome, keras.outcome];
      expect(found.steps).toHaveLength(expected.steps?.length ?? 0);
      for (const [index, { loss }] of (expected.steps ?? []).entries()) expectClose(found.steps?.[index]?.loss, loss);
      expect(found.epochs.map(({ phase, epoch }) => [phase, epoch])).toEqual(
        expected.epochs.map(({ phase, epoch }) => [phase, epoch]),
      );
      for (const [index, { learningRate, train, validation }] of expected.epochs.entries()) {
        const epoch = found.epochs[index];
        expect(epoch?.learningRate).toBeCloseTo(learningRate, 12);
        expectClose(epoch?.train.loss, train.loss);
        expectClose(epoch?.validation?.loss, validation?.loss ?? Number.NaN);
      }
      const { epoch, stoppedEarly, test } = expected.final;
      expect(found.final).toMatchObject({ epoch, stoppedEarly });
      if (test !== null) expectClose(found.final.test?.loss, test.loss);
      expect(found.digests.initial).toBe(expected.digests.initial);
      const { tensors, before } = expected.digests.frozen;
      expect(found.digests.frozen).toEqual({ tensors, before, after: before });
      for (const part of ["validation", "test"] as const) {
        expect(found.predictions[part]).toHaveLength(expected.predictions[part].length);
      }
      expect(weightError(keras.weights, core.weights)).toBeLessThan(WEIGHT_ERROR);
    },
    240_000,
  );
});

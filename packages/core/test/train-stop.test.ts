import type { Tensor } from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import type { Kernels } from "../src/kernels/kernels.ts";
import type { HostTensor } from "../src/model/safetensors.ts";
import { networkOf, passOf } from "../src/plan/plan.ts";
import type { RunEvent } from "../src/runner/runner.ts";
import { noMetrics } from "../src/train/metrics.ts";
import { Optimizer } from "../src/train/optimizer.ts";
import { trainStep } from "../src/train/step.ts";
import { Variables } from "../src/train/variables.ts";
import { cpuKernels } from "./cpu-engine.ts";
import { failureOf } from "./failure.ts";
import { keepAll } from "./one-step.ts";
import { complete, movedNames, runEvents, tinyRun } from "./tiny-run.ts";

/** Validation gets worse from some epoch on: the rate is far too large. */
const TOO_STEEP = { epochs: 8, optimizer: { name: "sgd", learningRate: 3 } } as const;

const plant = (name: string, value: number) => (weights: Map<string, HostTensor>) => {
  const tensor = weights.get(name);
  if (tensor === undefined) throw new Error(`There is no weight ${name}.`);
  tensor.data[1] = value;
};

describe("early stopping", () => {
  const stop = { monitor: "validationLoss", patience: 2 } as const;

  it("stops after the patience, keeping the last weights", async () => {
    const { outcome } = await complete(await tinyRun({ ...TOO_STEEP, earlyStopping: stop }));
    const losses = outcome.epochs.map((epoch) => epoch.validation?.loss ?? Number.NaN);
    const best = losses.indexOf(Math.min(...losses)) + 1;
    expect(outcome.final.stoppedEarly).toBe(true);
    expect(losses).toHaveLength(best + 2);
    expect(outcome.final.epoch).toBe(best + 2);
    expect(outcome.final.validation).toEqual(outcome.epochs.at(-1)?.validation);
  });

  it("restores the best weights", async () => {
    const run = await tinyRun({ ...TOO_STEEP, earlyStopping: { ...stop, restoreBestWeights: true } });
    const { outcome, weights } = await complete(run);
    const losses = outcome.epochs.map((epoch) => epoch.validation?.loss ?? Number.NaN);
    const best = losses.indexOf(Math.min(...losses)) + 1;
    expect(best).toBeLessThan(losses.length);
    expect(outcome.final.epoch).toBe(best);
    expect(outcome.final.validation).toEqual(outcome.epochs[best - 1]?.validation);
    expect(outcome.final.train).toEqual(outcome.epochs[best - 1]?.train);
    const shorter = await complete(await tinyRun({ ...TOO_STEEP, epochs: best }));
    expect(movedNames(shorter.weights, weights)).toEqual([]);
  });

  it("restores them too where the epochs run out first", async () => {
    const earlyStopping = { ...stop, patience: 50, restoreBestWeights: true };
    const { outcome } = await complete(await tinyRun({ ...TOO_STEEP, epochs: 4, earlyStopping }));
    const losses = outcome.epochs.map((epoch) => epoch.validation?.loss ?? Number.NaN);
    expect(outcome.final.stoppedEarly).toBe(false);
    expect(outcome.final.epoch).toBe(losses.indexOf(Math.min(...losses)) + 1);
    expect(outcome.final.epoch).toBeLessThan(4);
  });

  it("goes on with the next phase", async () => {
    const phases = [
      { epochs: 6, optimizer: { name: "sgd", learningRate: 3 } } as const,
      { epochs: 1, optimizer: { name: "sgd", learningRate: 1e-3 } } as const,
    ];
    const { outcome } = await complete(await tinyRun({ phases, earlyStopping: { ...stop, patience: 0 } }));
    const count = outcome.epochs.length;
    expect(count).toBeLessThan(7);
    expect(outcome.epochs.at(-1)?.phase).toBe("phase-2");
    expect(outcome.final).toMatchObject({ epoch: count, stoppedEarly: false });
  });
});

describe("a loss that is not finite", () => {
  it.each([
    ["block_5_depthwise/kernel", Number.POSITIVE_INFINITY, 'the weights "block_5_depthwise/kernel"', 155],
    ["block_5_depthwise/kernel", Number.NaN, 'the weights "block_5_depthwise/kernel"', 0],
    ["Conv_1_bn/moving_mean", Number.NaN, 'the weights "Conv_1_bn/moving_mean"', 155],
    ["bn_Conv1/moving_variance", -5, 'the output of layer "bn_Conv1"', 155],
    ["head/bias", Number.NEGATIVE_INFINITY, 'the weights "head/bias"', 155],
    // Finite, but no float32 holds what they make; moving statistics that this spoils are not the cause.
    ["block_3_project/kernel", 2e37, 'the output of layer "block_3_project_BN"', 0],
  ] as const)("stops the run at once and names the first cause: %s = %s", async (name, value, where, freeze) => {
    const run = await tinyRun({ freeze }, { images: 6, spoil: plant(name, value) });
    const error = await failureOf(() => complete(run));
    expect(error.code).toBe("non-finite");
    if (Number.isFinite(value)) {
      expect(error.message).toMatch(/^Training stopped at epoch 1, step 1: the loss is (NaN|-?Infinity), and /);
      expect(error.message).toContain(`first thing that is not finite is ${where}.`);
      expect(error.details).toMatchObject({ epoch: 1, step: 1, where });
    } else {
      expect(error.message).toBe(`Training did not start: ${where} that it was given are not finite.`);
      expect(error.details).toEqual({ where });
    }
    expect(JSON.parse(JSON.stringify(error.details))).toEqual(error.details);
  });

  it("from a huge learning rate stops the run at the step after it", async () => {
    const kernels = await cpuKernels();
    const before = kernels.memory().tensors;
    const events: RunEvent[] = [];
    const run = await tinyRun({ freeze: 0, optimizer: { name: "sgd", learningRate: 1e38 } }, { images: 8 });
    const error = await failureOf(async () => {
      for await (const event of runEvents(run)) events.push(event);
    });
    expect(error.code).toBe("non-finite");
    expect(error.message).toMatch(
      /epoch 1, step 2: the loss is NaN, .* (the weights|the output of layer) "[A-Za-z0-9_/]+"/,
    );
    expect(events.map((event) => event.type)).toEqual(["start", "cache", "step"]);
    expect(kernels.memory().tensors).toBe(before);
  });

  it("in evaluation stops the run too: the last update spoilt the weights", async () => {
    const run = await tinyRun({ freeze: 155, batchSize: 16, optimizer: { name: "sgd", learningRate: 3.4e38 } });
    const error = await failureOf(() => complete(run));
    expect(error.code).toBe("non-finite");
    expect(error.message).toMatch(/^Evaluation stopped: .* (the weights "head\/kernel"|the output of layer "head")\.$/);
  });

  it("in the weights is found after the epoch, without any evaluation", async () => {
    const kernels = await cpuKernels();
    const spoiling: Kernels<Tensor>["optimizerStep"] = (...inputs) => {
      const { weights, slots } = kernels.optimizerStep(...inputs);
      const [first, ...others] = weights as [Tensor, ...Tensor[]];
      const spoilt = kernels.upload(new Float32Array(first.size).fill(Number.NaN), first.shape);
      kernels.dispose(first);
      return { weights: [spoilt, ...others], slots };
    };
    const run = await tinyRun({ batchSize: 16, split: { validation: 0, by: "last" } });
    const error = await failureOf(() => complete(run, { kernels: { ...kernels, optimizerStep: spoiling } }));
    expect(error.code).toBe("non-finite");
    expect(error.message).toBe('Training stopped after epoch 1: the weights "head/kernel" are not finite any more.');
  });

  it("updates no weight", async () => {
    const kernels = await cpuKernels();
    const run = await tinyRun({ freeze: 140 }, { spoil: plant("block_16_project/kernel", Number.POSITIVE_INFINITY) });
    const [phase] = run.plan.phases;
    if (phase === undefined) throw new Error("There is no phase.");
    const variables = new Variables(kernels, networkOf(run.plan).layers, run.initial);
    const context = { kernels, steps: passOf(run.plan, phase), variables };
    const groups = [{ lrMultiplier: 1, names: ["head/kernel", "head/bias"] }];
    const optimizer = new Optimizer<Tensor>(kernels as Kernels<Tensor>, phase.optimizer, groups, variables);
    const batch = {
      images: new Float32Array(4 * 32 * 32 * 3),
      imageShape: [32, 32, 3],
      labels: new Int32Array(4),
    } as const;
    const before = kernels.memory().tensors;
    const error = await failureOf(() =>
      trainStep(
        context,
        optimizer,
        batch,
        keepAll,
        noMetrics(),
        { epoch: 3, step: 7 },
        { afterForward: () => undefined },
      ),
    );
    expect(error.message).toContain(
      'epoch 3, step 7: the loss is NaN, and the first thing that is not finite is the weights "block_16_project/kernel".',
    );
    expect(kernels.memory().tensors).toBe(before);
    const moved = movedNames(run.initial, await variables.download());
    expect(moved.filter((name) => !name.includes("moving_"))).toEqual([]);
    optimizer.dispose();
    variables.dispose();
  });
});

describe("a signal", () => {
  it("stops the run at the next step, and nothing is left", async () => {
    const kernels = await cpuKernels();
    const before = kernels.memory().tensors;
    const controller = new AbortController();
    const events: RunEvent[] = [];
    const error = await failureOf(async () => {
      for await (const event of runEvents(await tinyRun({ epochs: 9 }), { signal: controller.signal })) {
        events.push(event);
        if (event.type === "step" && event.step === 5) controller.abort();
      }
    });
    expect([error.code, error.message]).toEqual(["cancelled", "The run was cancelled."]);
    expect(events.at(-1)).toMatchObject({ type: "step", step: 5 });
    expect(kernels.memory().tensors).toBe(before);
  });

  it("that came before the start runs no step", async () => {
    const events: RunEvent[] = [];
    const error = await failureOf(async () => {
      for await (const event of runEvents(await tinyRun({}), { signal: AbortSignal.abort() })) events.push(event);
    });
    expect(error.code).toBe("cancelled");
    expect(events.map((event) => event.type)).toEqual(["start"]);
  });
});

import { describe, expect, it } from "vitest";
import type { HostTensor } from "../src/model/safetensors.ts";
import { networkOf, type Plan } from "../src/plan/plan.ts";
import { cpuKernels } from "./cpu-engine.ts";
import { failureOf } from "./failure.ts";
import { complete, lasting, movedNames, type TinyRun, tinyRun } from "./tiny-run.ts";

/** Weights that a plan's phases let move: what trains, and moving statistics of BN on batch statistics. */
function mayMove(plan: Plan): readonly string[] {
  const names = networkOf(plan).layers.flatMap((layer, index) =>
    layer.weights
      .filter((weight) =>
        plan.phases.some(({ treatments }) => {
          const treatment = treatments[index];
          return weight.trainable ? treatment?.trainable : treatment?.batchNormMode === "batch-stats";
        }),
      )
      .map((weight) => `${layer.name}/${weight.name}`),
  );
  return names.sort();
}

async function movedIn(run: TinyRun): Promise<readonly string[]> {
  const { weights, outcome } = await complete(run);
  const moved = movedNames(run.initial, weights).sort();
  const { frozen } = outcome.digests;
  expect(frozen.after).toBe(frozen.before);
  expect(frozen.tensors).toBe(run.initial.size - mayMove(run.plan).length);
  return moved;
}

const STEEP = { name: "sgd", learningRate: 0.5 } as const;

describe("frozen weights", () => {
  // Counted apart: 52 convolutions, 52 BNs of 4 weights, the head's 2; at 50 layers 17 of each are below, at 100 34.
  it.each([
    [0, 52 + 208 + 2],
    [50, (52 - 17) * 5 + 2],
    [100, (52 - 34) * 5 + 2],
    [154, 2],
  ])("are the same bytes after training at depth %s, and all others move", async (freeze, count) => {
    const run = await tinyRun({ freeze, optimizer: STEEP }, { images: 6 });
    const moved = await movedIn(run);
    expect(mayMove(run.plan)).toHaveLength(count);
    expect(moved.filter((name) => !mayMove(run.plan).includes(name))).toEqual([]);
    // A shift right below the next block's BN on batch statistics has no effect: its gradient is rounding, or 0.
    const still = mayMove(run.plan).filter((name) => !moved.includes(name));
    expect(still.filter((name) => !name.endsWith("_project_BN/beta"))).toEqual([]);
    const first = networkOf(run.plan)
      .layers.slice(0, freeze)
      .map((layer) => layer.name);
    expect(moved.filter((name) => first.includes(name.split("/")[0] ?? ""))).toEqual([]);
  });

  it('keep only their moving statistics unfrozen with frozenBatchNorm "batch-stats"', async () => {
    const moved = await movedIn(await tinyRun({ freeze: 155, frozenBatchNorm: "batch-stats" }, { images: 6 }));
    expect(moved.filter((name) => !name.startsWith("head/"))).toHaveLength(104);
    expect(moved.every((name) => /\/moving_|^head\//.test(name))).toBe(true);
  });

  it("that a faulty kernel moves by one ULP fail the run", async () => {
    const kernels = await cpuKernels();
    const conv2d: typeof kernels.conv2d = (x, kernel, window) => {
      const bits = new Int32Array((kernel.dataSync() as Float32Array).buffer); // the cpu backend's own array
      if (kernel.shape[3] === 1280) bits[0] = (bits[0] ?? 0) ^ 1;
      return kernels.conv2d(x, kernel, window);
    };
    // One forward pass; the layer is no part of a prefix, whose weights are read once.
    const freeze = [
      { layers: "Conv_1", train: false },
      { layers: ".*", train: true },
    ];
    const run = await tinyRun({ freeze, split: { validation: 0 } }, { images: 4 });
    const error = await failureOf(() => complete(run, { kernels: { ...kernels, conv2d } }));
    expect(error.code).toBe("frozen-moved");
    expect(error.message).toMatch(
      /^Frozen weights moved in phase "phase-1": SHA-256 [0-9a-f]{64} became [0-9a-f]{64}\.$/,
    );
    await complete(await tinyRun({ freeze: 151, split: { validation: 0 } }, { images: 4 }), {
      kernels: { ...kernels, conv2d }, // the same weights, not frozen
    });
  });

  it("keep the moving statistics of layers that train with batchNorm inference-all", async () => {
    const moved = await movedIn(
      await tinyRun({ freeze: 140, batchNorm: "inference-all", optimizer: STEEP }, { images: 6 }),
    );
    expect(moved.filter((name) => name.includes("moving_"))).toEqual([]);
    expect(moved).toContain("Conv_1_bn/gamma");
  });
});

describe("lrMultiplier", () => {
  const largestOf = (values: readonly number[]): number =>
    values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  const delta = (before: HostTensor | undefined, after: HostTensor | undefined): readonly number[] =>
    Array.from(after?.data ?? [], (value, index) => value - (before?.data[index] ?? Number.NaN));

  it("scales the step of its layers: 1, 0.1 and 0", async () => {
    const rules = (conv: number, bn: number): { layers: string; lrMultiplier: number }[] => [
      { layers: "head", lrMultiplier: 1 },
      { layers: "Conv_1", lrMultiplier: conv },
      { layers: "Conv_1_bn", lrMultiplier: bn },
      { layers: ".*", lrMultiplier: 0 },
    ];
    const train = async (
      conv: number,
      bn: number,
    ): Promise<{ run: TinyRun; weights: ReadonlyMap<string, HostTensor> }> => {
      const run = await tinyRun({ freeze: rules(conv, bn), optimizer: STEEP, split: { validation: 0 } }, { images: 4 });
      return { run, weights: (await complete(run)).weights };
    };
    const [whole, tenth, none] = [await train(1, 0), await train(0.1, 0), await train(0, 0)];
    const step = (result: typeof whole): readonly number[] =>
      delta(result.run.initial.get("Conv_1/kernel"), result.weights.get("Conv_1/kernel"));
    const [full, small] = [step(whole), step(tenth)];
    const largest = largestOf(full);
    expect(largest).toBeGreaterThan(1e-3);
    expect(largestOf(small.map((value, index) => value - 0.1 * (full[index] ?? 0)))).toBeLessThan(largest * 1e-4);
    expect(new Set(step(none))).toEqual(new Set([0]));
    expect(movedNames(none.run.initial, none.weights).sort()).toEqual(["head/bias", "head/kernel"]);
    expect(movedNames(whole.run.initial, whole.weights).sort()).toEqual(["Conv_1/kernel", "head/bias", "head/kernel"]);
    const headStep = (result: typeof whole): readonly number[] =>
      delta(result.run.initial.get("head/kernel"), result.weights.get("head/kernel"));
    expect(headStep(tenth)).toEqual(headStep(whole));
  });
});

describe("phases", () => {
  const head = { name: "head-first", epochs: 2, freeze: 155 } as const;
  const rest = { epochs: 1, freeze: 151, optimizer: { name: "sgd", learningRate: 0.25 } } as const;

  it("train the head first and then what is unfrozen, steps and epochs counted through", async () => {
    const run = await tinyRun({ phases: [head, rest] });
    const { outcome, events } = await complete(run);
    expect(outcome.epochs.map(({ phase, epoch, learningRate }) => [phase, epoch, learningRate])).toEqual([
      ["head-first", 1, 1e-3],
      ["head-first", 2, 1e-3],
      ["phase-2", 3, 0.25],
    ]);
    expect(outcome.steps?.map((step) => step.step)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(events[0]).toMatchObject({ totalSteps: 6 });
    expect(outcome.trainable.tensors).toBe(5);
    expect(outcome.final.epoch).toBe(3);
    const moved = await movedIn(run);
    expect(moved).toEqual([
      ...["Conv_1/kernel", "Conv_1_bn/beta", "Conv_1_bn/gamma", "Conv_1_bn/moving_mean", "Conv_1_bn/moving_variance"],
      ...["head/bias", "head/kernel"],
    ]);
  });

  it("begin as a run of the first phase alone", async () => {
    const both = (await complete(await tinyRun({ phases: [head, rest] }))).outcome;
    const alone = (await complete(await tinyRun({ epochs: 2, freeze: 155 }))).outcome;
    expect(both.steps?.slice(0, 4)).toEqual(alone.steps);
  });

  it("are a plain run where there is one", async () => {
    const plain = (await complete(await tinyRun({ epochs: 2, freeze: 154 }))).outcome;
    const phased = (await complete(await tinyRun({ phases: [{ name: "phase-1", epochs: 2, freeze: 154 }] }))).outcome;
    expect(lasting(phased)).toEqual(lasting(plain));
  });
});

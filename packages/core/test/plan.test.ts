import { describe, expect, it } from "vitest";
import type { Dataset } from "../src/data/dataset.ts";
import { makePlan, networkOf, type Plan, type PlanInputs, passOf } from "../src/plan/plan.ts";
import { cellName } from "../src/runner/result.ts";
import type { SpecInput } from "../src/spec/schema.ts";
import { failureOf } from "./failure.ts";
import { specWith } from "./spec-example.ts";

const ids = Array.from({ length: 12 }, (_, index) => `image-${index}`);
const dataset: Dataset = {
  source: "the test",
  classes: ["a", "b", "c"],
  imageShape: [32, 32, 3],
  shards: [{ sha256: "aa", bytes: 12 * 32 * 32 * 3, count: 12 }],
  labels: ids.map((_, index) => index % 3),
  ids,
  hashes: ids,
  decoding: {},
};

async function plan(fields: Partial<SpecInput> = {}, inputs: Partial<PlanInputs> = {}): Promise<Plan> {
  const spec = specWith({ split: { by: "last" }, ...fields, model: { alpha: 0.35, imageSize: 32, ...fields.model } });
  const weights = { blob: { sha256: "bb", bytes: 1 }, source: "weights" };
  return await makePlan({ spec, weights, headWeights: null, dataset, warnings: [], ...inputs });
}

describe("makePlan", () => {
  it("resolves a phase: what trains, where the network is cut, what it costs", async () => {
    const [phase] = (await plan({ freeze: 100, epochs: 7 })).phases;
    expect(phase).toMatchObject({ name: "phase-1", epochs: 7, freeze: 100, optimizer: { name: "adam" } });
    // Layer 100 is a ReLU without weights, so that the prefix ends above it.
    expect(phase?.cut).toEqual({
      index: 101,
      layer: "block_11_depthwise",
      live: ["block_11_expand_relu", "block_10_project_BN"],
    });
    expect(phase?.treatments).toHaveLength(156);
    expect(phase?.cost.prefixMacs).toBeGreaterThan(0);
    expect(phase?.cost.prefixMacs).toBeLessThan(phase?.cost.forwardMacs ?? 0);
  });

  it("lets a phase take what it leaves out from the spec", async () => {
    const sgd = { name: "sgd", learningRate: 0.5 } as const;
    const { phases } = await plan({
      freeze: 50,
      phases: [
        { epochs: 1, freeze: 155, name: "head" },
        { epochs: 2, optimizer: sgd },
      ],
    });
    expect(phases.map(({ name, epochs, freeze, optimizer }) => [name, epochs, freeze, optimizer.name])).toEqual([
      ["head", 1, 155, "adam"],
      ["phase-2", 2, 50, "sgd"],
    ]);
    expect(phases[0]?.cut).toEqual({ index: 155, layer: "head", live: ["global_average_pooling2d"] });
    expect(phases[0]?.trainable).toEqual({ tensors: 2, params: 1280 * 3 + 3 });
  });

  it("gives the executor a pass over the whole network", async () => {
    const made = await plan({ model: { head: { dropout: 0.1, name: "classes" } } });
    const [phase] = made.phases;
    if (phase === undefined) throw new Error("There is no phase.");
    const names = networkOf(made).layers.map((layer) => layer.name);
    expect(names.slice(-3)).toEqual(["global_average_pooling2d", "classes_dropout", "classes"]);
    expect(passOf(made, phase).map((step) => step.layer.name)).toEqual(names);
  });

  it("is plain data", async () => {
    const made = await plan({ freeze: [{ layers: ".*", train: true }] });
    expect(JSON.parse(JSON.stringify(made))).toEqual(made);
  });

  it("refuses a policy that leaves nothing to train", async () => {
    const error = await failureOf(() => plan({ freeze: [{ layers: ".*", train: false }] }));
    expect([error.code, error.message]).toEqual([
      "freeze-invalid",
      "freeze: nothing is left to train, the head is frozen too.",
    ]);
  });

  it("refuses a bad policy of a later phase, and a split that comes out empty", async () => {
    expect((await failureOf(() => plan({ phases: [{ epochs: 1 }, { epochs: 1, freeze: 200 }] }))).code).toBe(
      "freeze-invalid",
    );
    expect((await failureOf(() => plan({ split: { by: "last", validation: 0.99 } }))).code).toBe("split-invalid");
  });
});

describe("planHash", () => {
  it.each<readonly [string, Partial<SpecInput>, Partial<PlanInputs>]>([
    ["the name", { name: "other" }, {}],
    ["what is recorded", { record: "steps" }, {}],
    ["$schema", { $schema: "spec.schema.json" }, {}],
    ["where the data lie", { data: { kind: "tensors", file: "elsewhere", classes: ["a", "b", "c"] } }, {}],
    ["what the weights are called", { model: { weights: "elsewhere.h5" } }, {}],
  ])("does not depend on %s", async (_title, fields, inputs) => {
    expect((await plan(fields, inputs)).planHash).toBe((await plan()).planHash);
  });

  it.each<readonly [string, Partial<SpecInput>, Partial<PlanInputs>]>([
    ["the freeze policy", { freeze: 1 }, {}],
    ["the seed", { seed: 1 }, {}],
    ["the learning rate", { optimizer: { name: "adam", learningRate: 1e-5 } }, {}],
    ["the batch size", { batchSize: 4 }, {}],
    ["the order", { shuffle: false }, {}],
    ["dropout", { model: { head: { dropout: 0.1 } } }, {}],
    ["the BN mode", { batchNorm: "inference-all" }, {}],
    ["the split", { split: { by: "stratified" } }, {}],
    ["the weights", {}, { weights: { blob: { sha256: "cc", bytes: 1 }, source: "weights" } }],
    ["the head's weights", {}, { headWeights: { blob: { sha256: "cc", bytes: 1 }, source: "head" } }],
    ["the images", {}, { dataset: { ...dataset, shards: [{ sha256: "dd", bytes: 1, count: 12 }] } }],
    ["the labels", {}, { dataset: { ...dataset, labels: dataset.labels.map((label) => 2 - label) } }],
  ])("depends on %s", async (_title, fields, inputs) => {
    expect((await plan(fields, inputs)).planHash).not.toBe((await plan()).planHash);
  });

  it("is part of the cell's name, with the runner and its settings", async () => {
    const made = await plan({ name: "my-run" });
    const names = await Promise.all([
      cellName(made, "node", { threads: 1 }),
      cellName(made, "node", { threads: 2 }),
      cellName(made, "browser", { threads: 1 }),
      cellName(await plan({ name: "my-run", seed: 1 }), "node", { threads: 1 }),
      cellName(await plan({ name: "my-run", record: "steps" }), "node", { threads: 1 }),
    ]);
    expect(new Set(names).size).toBe(5);
    expect(names[0]).toMatch(/^my-run-node-[0-9a-f]{12}$/);
  });
});

import { describe, expect, it } from "vitest";
import { type BatchNormPolicy, countTrainable, type LayerTreatment, resolveFreeze } from "../src/freeze/policy.ts";
import { buildNetwork } from "../src/model/network.ts";
import type { FreezePolicy } from "../src/spec/schema.ts";
import { failureOf } from "./failure.ts";
import { modelSpec } from "./spec-example.ts";

const { base, head, layers } = buildNetwork(modelSpec({ alpha: 0.35, imageSize: 32, head: { dropout: 0.2 } }), 3);
const names = base.layers.map((layer) => layer.name);
const KERAS: BatchNormPolicy = { frozenBatchNorm: "inference", batchNorm: "keras" };

function resolve(freeze: FreezePolicy, batchNorm: BatchNormPolicy = KERAS): readonly LayerTreatment[] {
  return resolveFreeze(freeze, base.layers, head, batchNorm);
}

const trainableNames = (freeze: FreezePolicy): readonly string[] =>
  resolve(freeze).flatMap((layer) => (layer.trainable ? [layer.name] : []));

describe("a count", () => {
  it.each([0, 1, 50, 100, 154, 155])("of %s freezes base.layers[:n], and never the head", (count) => {
    expect(trainableNames(count)).toEqual([...names.slice(count), "head_dropout", "head"]);
  });

  it("larger than the base is an error that gives the range", async () => {
    const error = await failureOf(() => resolve(156));
    expect(error.code).toBe("freeze-invalid");
    expect(error.message).toBe("freeze: 156 layers cannot be frozen, the network has 155.");
    expect(error.hint).toContain("155 (only the head trains)");
  });
});

describe("a layer name", () => {
  it("freezes up to and without that layer", () => {
    expect(trainableNames("block_13_expand")[0]).toBe("block_13_expand");
    expect(trainableNames("block_13_expand")).toEqual(trainableNames(names.indexOf("block_13_expand")));
  });

  it("that there is not is an error with the nearest names", async () => {
    const error = await failureOf(() => resolve("block_13_expnd"));
    expect(error.code).toBe("freeze-invalid");
    expect(error.message).toMatch(
      /^freeze: there is no layer "block_13_expnd"\. Nearest layer names: block_13_expand, /,
    );
  });
});

describe("rules", () => {
  const rest = { layers: ".*", train: false } as const;

  it("let the first match win", () => {
    const rows = resolve([
      { layers: "block_1_expand", train: false },
      { layers: "block_1_.*", lrMultiplier: 0.1 },
      { layers: "head|head_dropout", train: true },
      { layers: ".*_BN", lrMultiplier: 0 },
      rest,
    ]);
    const multiplier = (name: string): number | undefined => rows.find((row) => row.name === name)?.lrMultiplier;
    expect(multiplier("block_1_expand")).toBe(0);
    expect(multiplier("block_1_expand_BN")).toBe(0.1);
    expect(multiplier("block_1_project")).toBe(0.1);
    expect(multiplier("block_2_expand_BN")).toBe(0);
    expect(multiplier("head")).toBe(1);
    expect(rows.filter((row) => row.trainable).length).toBe(8 + 2); // block 1 has 9 layers, one of them frozen
    expect(rows.find((row) => row.name === "block_2_expand_BN")).toMatchObject({
      trainable: false,
      trainableParams: 0,
    });
  });

  it("match whole names only", () => {
    const rows = resolve([
      { layers: "block_1|head", train: false },
      { layers: "Conv1|head.*|.*", train: true },
    ]);
    expect(rows.filter((row) => !row.trainable).map((row) => row.name)).toEqual(["head"]);
  });

  it.each([
    ["that leave a layer uncovered", [{ layers: "head", train: true }], 'freeze: no rule covers layer "input_layer".'],
    [
      "one of which matches nothing",
      [{ layers: "blok_13_expand", train: true }, rest],
      'freeze.0.layers: "blok_13_expand" matches no layer. Nearest layer names: block_13_expand',
    ],
    [
      "one of which is shadowed",
      [{ layers: "block_1.*", train: true }, { layers: "block_13_.*", train: false }, rest],
      'freeze.1.layers: "block_13_.*" only matches layers that earlier rules have taken.',
    ],
    ["with a bad pattern", [{ layers: "block_(", train: true }, rest], 'freeze.0.layers: "block_(" is no regular'],
  ])("%s are an error", async (_title, rules, message) => {
    const error = await failureOf(() => resolve(rules));
    expect(error.code).toBe("freeze-invalid");
    expect(error.message.slice(0, message.length)).toBe(message);
    expect(error.hint).toBeTruthy();
  });
});

describe("batch normalization", () => {
  const modes = (freeze: FreezePolicy, policy: BatchNormPolicy): readonly unknown[] =>
    resolve(freeze, policy)
      .filter((row) => ["bn_Conv1", "Conv_1_bn"].includes(row.name))
      .map((row) => row.batchNormMode);

  it.each([
    ["inference", "keras", ["inference", "batch-stats"]],
    ["batch-stats", "keras", ["batch-stats", "batch-stats"]],
    ["inference", "inference-all", ["inference", "inference"]],
    ["batch-stats", "inference-all", ["inference", "inference"]],
  ] as const)("frozen %s, %s: one frozen, one that trains", (frozenBatchNorm, batchNorm, expected) => {
    expect(modes(100, { frozenBatchNorm, batchNorm })).toEqual(expected);
  });

  it("has a mode in every BN and nowhere else", () => {
    const rows = resolve(0);
    expect(rows.filter((row) => row.batchNormMode !== null)).toHaveLength(52);
    expect(rows.every((row) => (row.batchNormMode === null) === (row.type !== "BatchNormalization"))).toBe(true);
  });

  it("trains gamma and beta, never the moving statistics", () => {
    const row = resolve(0).find(({ name }) => name === "bn_Conv1");
    expect([row?.params, row?.trainableParams]).toEqual([64, 32]);
  });
});

describe("countTrainable", () => {
  it("counts as Keras's trainable_weights", () => {
    // 52 convolutions, 52 BNs with two each, the head's kernel and bias.
    expect(countTrainable(layers, resolve(0))).toEqual({ tensors: 52 + 104 + 2, params: 396_128 + 1280 * 3 + 3 });
    expect(countTrainable(layers, resolve(155))).toEqual({ tensors: 2, params: 1280 * 3 + 3 });
  });
});

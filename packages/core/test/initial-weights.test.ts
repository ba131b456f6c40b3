import { describe, expect, it } from "vitest";
import { buildNetwork } from "../src/model/network.ts";
import { type HostTensor, writeSafetensors } from "../src/model/safetensors.ts";
import { makePlan } from "../src/plan/plan.ts";
import { sha256 } from "../src/spec/hash.ts";
import { initialWeights, startingWeights } from "../src/train/initial-weights.ts";
import { readGolden } from "./golden.ts";
import { modelSpec, specWith } from "./spec-example.ts";

const golden = readGolden<{
  glorot: Readonly<Record<string, { readonly shape: readonly number[]; readonly deviation: number }>>;
}>("keras-data").glorot;
const { layers } = buildNetwork(modelSpec({ alpha: 0.35, imageSize: 32 }), 3);

function weightsOf(name: string, seed: number): ReturnType<typeof initialWeights> {
  const layer = layers.find((candidate) => candidate.name === name);
  if (layer === undefined) throw new Error(`There is no layer ${name}.`);
  return initialWeights(layer, seed);
}

describe("initialWeights", () => {
  it.each(Object.entries(golden))("spreads a %s kernel as wide as Keras", (type, { shape, deviation }) => {
    const [layer] = layers.filter((candidate) => candidate.op.type === type);
    if (layer === undefined) throw new Error(`There is no ${type}.`);
    const weights = [{ name: "kernel", shape, trainable: true }];
    const data = Array.from(initialWeights({ ...layer, weights }, 1).get(`${layer.name}/kernel`)?.data ?? []);
    const spread = Math.sqrt(data.reduce((sum, value) => sum + value * value, 0) / data.length);
    // Two samples of 4,608 values or more: each deviation is off by 0.7 % or less.
    expect(Math.abs(spread / deviation - 1)).toBeLessThan(0.03);
    const limit = deviation * Math.sqrt(3);
    expect(data.every((value) => Math.abs(value) < limit * 1.03)).toBe(true);
    expect(Math.abs(data.reduce((sum, value) => sum + value, 0) / data.length)).toBeLessThan(0.05 * deviation);
  });

  it("starts biases at 0 and batch normalization as the identity", () => {
    expect([...(weightsOf("head", 1).get("head/bias")?.data ?? [])]).toEqual([0, 0, 0]);
    const first = [...weightsOf("bn_Conv1", 1)].map(([name, tensor]) => [name, new Set(tensor.data)]);
    expect(first).toEqual([
      ["bn_Conv1/gamma", new Set([1])],
      ["bn_Conv1/beta", new Set([0])],
      ["bn_Conv1/moving_mean", new Set([0])],
      ["bn_Conv1/moving_variance", new Set([1])],
    ]);
  });

  it("depends on the seed and the layer, and on nothing else", () => {
    expect(weightsOf("head", 1)).toEqual(weightsOf("head", 1));
    expect(weightsOf("head", 1)).not.toEqual(weightsOf("head", 2));
    const [first, second] = ["block_11_expand", "block_12_expand"].map((name) => [...weightsOf(name, 1).values()][0]);
    expect(first?.shape).toEqual(second?.shape);
    expect(first?.data).not.toEqual(second?.data);
  });
});

describe("startingWeights", () => {
  const ids = ["1", "2", "3", "4", "5", "6"];
  const dataset = {
    source: "the test",
    classes: ["a", "b", "c"],
    imageShape: [32, 32, 3],
    shards: [],
    labels: [0, 0, 1, 1, 2, 2],
    ids,
    hashes: ids,
    decoding: {},
  } as const;
  const filled = (name: string, value: number): readonly [string, HostTensor] => {
    const shape = weightsOf(name.split("/")[0] ?? "", 1).get(name)?.shape ?? [];
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value);
    return [name, { dtype: "float32", shape, data }];
  };

  it("takes the base's file, over it the head's file, and fresh weights from the seed for the rest", async () => {
    const files = [
      new Map([filled("Conv1/kernel", 2), filled("head/bias", 3)]),
      new Map([filled("head/bias", 4), ["elsewhere/kernel", filled("head/bias", 5)[1]] as const]),
    ].map((tensors) => writeSafetensors(tensors));
    const [weights, headWeights] = await Promise.all(
      files.map(async (bytes) => ({ blob: { sha256: await sha256(bytes), bytes: bytes.byteLength }, source: "file" })),
    );
    if (weights === undefined || headWeights === undefined) throw new Error("There are no files.");
    const spec = specWith({ seed: 77, model: { alpha: 0.35, imageSize: 32 } });
    const plan = await makePlan({ spec, weights, headWeights, dataset, warnings: [] });
    const readBlob = async (ref: { sha256: string }): Promise<Uint8Array> =>
      (ref.sha256 === weights.blob.sha256 ? files[0] : files[1]) ?? new Uint8Array();
    const found = await startingWeights(plan, { readBlob });
    expect([...found.keys()]).toEqual(
      layers.flatMap((layer) => layer.weights.map((weight) => `${layer.name}/${weight.name}`)),
    );
    expect(new Set(found.get("Conv1/kernel")?.data)).toEqual(new Set([2]));
    expect(new Set(found.get("head/bias")?.data)).toEqual(new Set([4]));
    expect(found.get("head/kernel")).toEqual(weightsOf("head", 77).get("head/kernel"));
    expect(found.get("Conv_1/kernel")).toEqual(weightsOf("Conv_1", 77).get("Conv_1/kernel"));
  });
});

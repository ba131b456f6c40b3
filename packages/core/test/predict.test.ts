import { describe, expect, it } from "vitest";
import { float64Kernels } from "../src/kernels/float64-reference.ts";
import { buildNetwork } from "../src/model/network.ts";
import { writeSafetensors } from "../src/model/safetensors.ts";
import type { Environment } from "../src/runner/environment.ts";
import { initialWeights } from "../src/train/initial-weights.ts";
import { predict } from "../src/train/predict.ts";
import { specWith } from "./spec-example.ts";

const ENVIRONMENT: Environment = {
  runner: "test",
  engine: "float64",
  device: { kind: "cpu", name: "JavaScript", software: false },
  settings: {},
  versions: {},
  platform: { os: "any", arch: "any", cores: 1, memoryBytes: 0 },
};

describe("a prediction", () => {
  it("is of every layer, also where Keras has operations between layers", async () => {
    const { model } = specWith({ model: { architecture: "MobileNetV3Small", imageSize: 32, weights: "random" } });
    const classCount = 3;
    const { layers } = buildNetwork(model, classCount);
    expect(layers.some(({ operation }) => operation)).toBe(true);
    const weights = writeSafetensors(new Map(layers.flatMap((layer) => [...initialWeights(layer, 1)])));
    async function* batches(): AsyncGenerator<{ count: number; pixels: Uint8Array }> {
      yield { count: 1, pixels: new Uint8Array(32 * 32 * 3).fill(100) };
    }
    const host = { kernels: float64Kernels(), environment: ENVIRONMENT, synchronize: async () => undefined };
    const found: number[] = [];
    for await (const event of predict({ model, classCount, weights, stepLimitSeconds: 60 }, batches(), host)) {
      if (event.type === "batch") found.push(...event.probabilities);
    }
    expect(found).toHaveLength(classCount);
    expect(found.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 6);
  });
});

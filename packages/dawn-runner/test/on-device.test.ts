import type { BackendValues } from "@tensorflow/tfjs-core";
import {
  buildNetwork,
  initialWeights,
  type Kernels,
  noMetrics,
  Optimizer,
  planPass,
  randomStream,
  resolveFreeze,
  trainStep,
  Variables,
} from "@thaw/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DawnEngine, openDawn } from "../src/dawn.ts";

const SIZE = 32;
const BATCH = 4;
const CLASSES = 3;

/** One training step with nothing frozen; returns its loss. */
async function oneStep(kernels: Kernels<DawnTensor>): Promise<number> {
  const network = buildNetwork(
    {
      architecture: "MobileNetV2",
      pooling: "avg",
      alpha: 0.35,
      imageSize: SIZE,
      weights: "random",
      head: { name: "head", dropout: 0.2 },
    },
    CLASSES,
  );
  const fields = { frozenBatchNorm: "inference", batchNorm: "keras" } as const;
  const steps = planPass(network.layers, resolveFreeze(0, network.base.layers, network.head, fields));
  const weights = new Map(network.layers.flatMap((layer) => [...initialWeights(layer, 1)]));
  const variables = new Variables(kernels, network.layers, weights);
  const names = network.layers.flatMap(({ name, weights: own }) =>
    own.filter(({ trainable }) => trainable).map((weight) => `${name}/${weight.name}`),
  );
  const adam = { name: "adam", learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 } as const;
  const optimizer = new Optimizer(kernels, adam, [{ lrMultiplier: 1, names }], variables);
  const random = randomStream(5, "images");
  const images = Float32Array.from({ length: BATCH * SIZE * SIZE * 3 }, () => random.uniform() * 2 - 1);
  const batch = { images, imageShape: [SIZE, SIZE, 3], labels: Int32Array.of(0, 1, 2, 0) } as const;
  const keepAll = (_: string, __: number, shape: readonly number[]): Float32Array =>
    new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1);
  const position = { epoch: 1, step: 1 };
  const watch = {
    afterForward: () => {
      stepping = true; // what came before were uploads of weights
    },
  };
  const loss = await trainStep({ kernels, steps, variables }, optimizer, batch, keepAll, noMetrics(), position, watch);
  stepping = false;
  optimizer.dispose();
  variables.dispose();
  return loss;
}

type DawnTensor = Parameters<ReturnType<DawnEngine["kernels"]>["dispose"]>[0];

let stepping = false;

describe("a training step on WebGPU runs nowhere else", () => {
  let dawn: DawnEngine;
  /** Sizes of tensors whose values came from the host after the forward pass. */
  const fromHost: number[] = [];
  let askedForCpu = 0;

  beforeAll(async () => {
    dawn = await openDawn({ requireHardware: false });
    const { backend } = dawn;
    const write = backend.write.bind(backend);
    backend.write = (values: BackendValues | null, shape, dtype) => {
      if (stepping && values !== null && values !== undefined) fromHost.push(values.length);
      return write(values as BackendValues, shape, dtype);
    };
    const shouldExecuteOnCPU = backend.shouldExecuteOnCPU.bind(backend);
    backend.shouldExecuteOnCPU = (...inputs) => {
      const answer = shouldExecuteOnCPU(...inputs);
      if (answer) askedForCpu += 1;
      return answer;
    };
  });
  afterAll(() => dawn.close());

  it.each([
    ["with our own kernels", [], [BATCH]], // the labels
    // Beside them twice the numbers of the classes (tf.range); constants are scalars.
    ["with tfjs's kernels alone", "all", [BATCH, CLASSES, CLASSES]],
  ] as const)(
    "%s",
    async (_, plain, uploads) => {
      fromHost.length = 0;
      expect(Number.isFinite(await oneStep(dawn.kernels(plain)))).toBe(true);
      expect(askedForCpu).toBe(0);
      // Anything else that is larger than a scalar was computed on the host.
      expect(fromHost.filter((size) => size > 1)).toEqual(uploads);
    },
    120_000,
  );

  it("has no other backend to run on", () => {
    expect(Object.keys(dawn.tf.engine().registryFactory)).toEqual(["webgpu"]);
    expect(dawn.tf.getKernelsForBackend("cpu")).toEqual([]);
  });

  it("refuses to read what the device computed without waiting", () => {
    const kernels = dawn.kernels([]);
    const a = kernels.upload(Float32Array.of(1, 2, 3, 4), [4]);
    const sum = kernels.add(a, a);
    expect(() => sum.dataSync()).toThrow("read synchronously");
    for (const tensor of [a, sum]) kernels.dispose(tensor);
  });
});

import type { Tensor } from "@tensorflow/tfjs-core";
import { type KernelName, type Kernels, tfjsKernels } from "@thaw/core";
import { describeKernels } from "@thaw/core/kernel-contract";
import { describe, expect, it } from "vitest";
import { loadNative } from "../src/native/load.ts";
import { tensorflowKernels } from "../src/tensorflow-kernels.ts";

const runner = { describe, expect, it };
const engine = (): ReturnType<typeof loadNative> => loadNative({ threads: 2, oneDnn: true });

// What the runner works with, kernels of our own, is judged by its contract: runner.test.ts. These stand in for them.
describeKernels("tensorflow, fused", async () => tensorflowKernels(engine().tf, engine().backend), runner);
describeKernels("tensorflow, plain", async () => tfjsKernels(engine().tf), runner, { smallOnly: true });

describe("tensorflowKernels", () => {
  const EPSILON = 1e-3;
  const BOTH = { input: true, weights: true };

  function fused(plain: readonly KernelName[] = []): Kernels<Tensor> {
    const { tf, backend } = engine();
    return tensorflowKernels(tf, backend, { plain });
  }

  /** Names of the TensorFlow operations that a call runs. */
  function operations(kernels: (watched: Kernels<Tensor>) => void, plain: readonly KernelName[] = []): string[] {
    const { tf, backend } = engine();
    const names: string[] = [];
    const watched = Object.create(backend, {
      executeMultipleOutputs: {
        value: (...call: Parameters<typeof backend.executeMultipleOutputs>) => {
          names.push(call[0]);
          return backend.executeMultipleOutputs(...call);
        },
      },
    }) as typeof backend;
    kernels(tensorflowKernels(tf, watched, { plain }));
    return names;
  }

  it("runs batch normalization as one operation, and as plain ones where it is told to", () => {
    const kernels = fused();
    const x = kernels.upload(
      Float32Array.from({ length: 24 }, (_, index) => Math.sin(index)),
      [2, 2, 2, 3],
    );
    const [gamma, beta] = [
      kernels.upload(Float32Array.of(1, 2, 3), [3]),
      kernels.upload(Float32Array.of(0, 1, 2), [3]),
    ];
    const train = (watched: Kernels<Tensor>): void => {
      watched.batchNormTrain(x, gamma, beta, EPSILON);
    };
    expect(operations(train)).toEqual(["FusedBatchNormV3"]);
    expect(operations(train, ["batchNormTrain"])).toEqual([]);
  });

  it.each<KernelName>(["batchNormTrain", "batchNormTrainGradient"])(
    "gives the same gradients with only %s plain",
    async (plain) => {
      const run = async (kernels: Kernels<Tensor>): Promise<number[]> => {
        const x = kernels.upload(
          Float32Array.from({ length: 24 }, (_, index) => Math.sin(index)),
          [2, 2, 2, 3],
        );
        const dy = kernels.upload(
          Float32Array.from({ length: 24 }, (_, index) => Math.cos(index)),
          [2, 2, 2, 3],
        );
        const gamma = kernels.upload(Float32Array.of(1, 2, 3), [3]);
        const trained = kernels.batchNormTrain(x, gamma, gamma, EPSILON);
        const { dx, dGamma } = kernels.batchNormTrainGradient(dy, x, gamma, trained, EPSILON, BOTH);
        if (dx === undefined || dGamma === undefined) throw new Error("a gradient is missing");
        return [...(await kernels.download(dx)), ...(await kernels.download(dGamma))];
      };
      const [all, mixed] = [await run(fused()), await run(fused([plain]))];
      expect(Math.max(...all.map(Math.abs))).toBeGreaterThan(0.1);
      for (const [index, value] of all.entries()) expect(mixed[index]).toBeCloseTo(value, 5);
    },
  );

  it("is bit-identical from run to run", async () => {
    const kernels = fused();
    const values = (length: number): Float32Array =>
      Float32Array.from({ length }, (_, index) => Math.sin(index * index));
    const x = kernels.upload(values(4 * 16 * 16 * 24), [4, 16, 16, 24]);
    const kernel = kernels.upload(values(24 * 8), [1, 1, 24, 8]);
    const dy = kernels.upload(values(4 * 16 * 16 * 8), [4, 16, 16, 8]);
    const window = {
      strides: 1,
      padding: [
        [0, 0],
        [0, 0],
      ],
    } as const;
    const gradient = async (): Promise<Float32Array> =>
      kernels.download(kernels.conv2dKernelGradient(x, dy, kernel.shape, window));
    expect(await gradient()).toEqual(await gradient());
  });
});

import { describe, expect, it } from "vitest";
import { float64Kernels } from "../src/kernels/float64-reference.ts";
import { type Float64Tensor, float64Tensor } from "../src/kernels/float64-tensor.ts";
import type { KernelCase } from "../src/kernels/kernel-cases.ts";
import { checkKernelCase, compareOp } from "../src/kernels/kernel-comparison.ts";
import { describeKernels, kernelCases } from "../src/kernels/kernel-contract.ts";
import { FUSED_KERNELS, type KernelName, type Kernels } from "../src/kernels/kernels.ts";
import type { Padding } from "../src/model/layer.ts";
import { OP_TOLERANCES, opBound, sumBound, UNIT_ROUNDOFF } from "../src/parity/tolerances.ts";

type Reference = Kernels<Float64Tensor>;

describeKernels(
  "float64 reference",
  async () => float64Kernels(),
  { describe, expect, it },
  { fused: FUSED_KERNELS, smallOnly: true },
);

function casesOf(kernel: KernelName): KernelCase[] {
  return kernelCases().filter((testCase) => testCase.kernel === kernel);
}

/** The first case that a kernel set with a planted fault fails. */
async function caught(
  kernel: KernelName,
  plant: (sound: Reference) => Partial<Reference>,
): Promise<string | undefined> {
  for (const testCase of casesOf(kernel)) {
    const sound = float64Kernels();
    const { problems } = await checkKernelCase({ ...sound, ...plant(sound) }, testCase);
    if (problems.length > 0) return `${testCase.name}: ${problems[0]}`;
  }
  return undefined;
}

function mapped(tensor: Float64Tensor, change: (value: number) => number): Float64Tensor {
  for (const [index, value] of tensor.data.entries()) tensor.data[index] = change(value);
  return tensor;
}

/** Rounds to 11 bits of significand, as float16 and TF32 do. */
const toHalf = (value: number): number => {
  const unit = 2 ** (Math.floor(Math.log2(Math.abs(value) || 1)) - 10);
  return Math.round(value / unit) * unit;
};

const swapped = ([rows, columns]: Padding): Padding => [
  [rows[1], rows[0]],
  [columns[1], columns[0]],
];

describe("the kernel contract catches", () => {
  const faults: readonly [string, KernelName, (sound: Reference) => Partial<Reference>][] = [
    [
      "padding on the wrong side",
      "depthwiseConv2d",
      (sound) => ({
        depthwiseConv2d: (x, kernel, window) =>
          sound.depthwiseConv2d(x, kernel, { ...window, padding: swapped(window.padding) }),
      }),
    ],
    [
      "an epsilon of 1e-5 instead of 1e-3",
      "batchNormInference",
      (sound) => ({
        batchNormInference: (x, gamma, beta, mean, variance) =>
          sound.batchNormInference(x, gamma, beta, mean, variance, 1e-5),
      }),
    ],
    ["ReLU in place of ReLU6", "relu", (sound) => ({ relu: (x) => sound.relu(x, null) })],
    [
      "a gradient that passes on the kink",
      "reluGradient",
      (sound) => ({ reluGradient: (dy, y, limit) => sound.reluGradient(dy, y, limit === null ? null : limit + 1) }),
    ],
    [
      "an unbiased variance",
      "batchNormTrain",
      (sound) => ({
        batchNormTrain(x, gamma, beta, epsilon) {
          const trained = sound.batchNormTrain(x, gamma, beta, epsilon);
          const count = x.data.length / gamma.data.length;
          return {
            ...trained,
            variance: mapped(trained.variance, (value) => (value * count) / Math.max(count - 1, 1)),
          };
        },
      }),
    ],
    [
      "products rounded to TF32",
      "conv2d",
      (sound) => ({ conv2d: (x, kernel, window) => mapped(sound.conv2d(x, kernel, window), toHalf) }),
    ],
    [
      "a NaN",
      "add",
      (sound) => ({ add: (a, b) => mapped(sound.add(a, b), (value) => (value > 5 ? Number.NaN : value)) }),
    ],
    [
      "a tensor left behind",
      "dense",
      (sound) => ({
        dense(x, kernel, bias) {
          sound.upload(Float32Array.of(1), [1]);
          return sound.dense(x, kernel, bias);
        },
      }),
    ],
    [
      "an input used as output",
      "multiply",
      (sound) => ({
        multiply(a, b) {
          const product = sound.multiply(a, b);
          a.data.set(product.data);
          return product;
        },
      }),
    ],
    [
      "the input itself as result",
      "zeroPad",
      (sound) => ({
        zeroPad: (x, padding) => (padding.flat().every((zeros) => zeros === 0) ? x : sound.zeroPad(x, padding)),
      }),
    ],
    [
      "weights that are not consumed",
      "optimizerStep",
      (sound) => ({
        optimizerStep(update, weights, gradients, slots) {
          const copies = weights.map((weight) => sound.upload(Float32Array.from(weight.data), weight.shape));
          return sound.optimizerStep(update, copies, gradients, slots);
        },
      }),
    ],
    [
      "an epsilon inside the root of Adam",
      "optimizerStep",
      (sound) => ({
        optimizerStep(update, weights, gradients, slots) {
          const inside = update.type === "adam" ? { ...update, epsilon: Math.sqrt(update.epsilon) } : update;
          return sound.optimizerStep(inside, weights, gradients, slots);
        },
      }),
    ],
    [
      "a gradient that nobody asked for",
      "batchNormTrainGradient",
      (sound) => ({
        batchNormTrainGradient: (dy, x, gamma, trained, epsilon) =>
          sound.batchNormTrainGradient(dy, x, gamma, trained, epsilon, { input: true, weights: true }),
      }),
    ],
    [
      "a result of another shape",
      "globalAveragePool",
      (sound) => ({
        globalAveragePool(x) {
          const pooled = sound.globalAveragePool(x);
          const [batch = 0, channels = 0] = pooled.shape;
          sound.dispose(pooled);
          return sound.upload(Float32Array.from(pooled.data), [batch, 1, 1, channels]);
        },
      }),
    ],
  ];

  it.each(faults)("%s (%s)", async (_, kernel, plant) => {
    expect(await caught(kernel, plant)).toBeDefined();
  });
});

describe("describeKernels", () => {
  /** Runs the contract for one kernel and collects how its tests end. */
  async function run(kernels: Reference, gapped: boolean): Promise<{ passed: number; failed: number }> {
    const tests: (() => Promise<void>)[] = [];
    const runner = {
      describe: (_: string, body: () => void) => body(),
      it: (_: string, body: () => Promise<void>) => tests.push(body),
      expect,
    };
    describeKernels("planted", async () => kernels, runner, {
      only: (kernel) => kernel === "relu",
      gaps: gapped ? [{ kernel: "relu", startsWith: "limit 6", reason: "no upper limit" }] : [],
    });
    let passed = 0;
    for (const body of tests) {
      const end = await body().then(
        () => 1,
        () => 0,
      );
      passed += end;
    }
    return { passed, failed: tests.length - passed };
  }

  const withoutLimit = (): Reference => {
    const sound = float64Kernels();
    return { ...sound, relu: (x, limit) => sound.relu(x, limit === 6 ? null : limit) };
  };

  it("fails for a fault, passes for a known gap, and fails for a gap that has closed", async () => {
    const faulty = await run(withoutLimit(), false);
    expect(faulty.failed).toBe(3);
    expect(await run(withoutLimit(), true)).toEqual({ passed: faulty.passed + 3, failed: 0 });
    expect(await run(float64Kernels(), true)).toEqual({ passed: faulty.passed, failed: 3 });
  });

  it("has cases for every kernel that computes, each with a name of its own", () => {
    const cases = kernelCases(FUSED_KERNELS);
    expect(new Set(cases.map(({ kernel }) => kernel))).toEqual(new Set(Object.keys(OP_TOLERANCES)));
    expect(new Set(cases.map(({ kernel, name }) => `${kernel} ${name}`)).size).toBe(cases.length);
  });
});

describe("tolerances", () => {
  it("bounds a sum by 4·√K and never above K", () => {
    expect([1, 9, 16, 27, 960].map(sumBound)).toEqual([1, 9, 16, 4 * Math.sqrt(27), 4 * Math.sqrt(960)]);
  });

  it("is 1 at the bound and says which element is beyond it", () => {
    const expected = { ...float64Tensor([2, 2], [1, 2, 3, 4]), scale: Float64Array.of(1, 2, 3, 4), terms: 4 };
    const bound = opBound("conv2d", 4, 4, UNIT_ROUNDOFF.float32);
    expect(bound).toBeCloseTo(4 * 4 * 2 ** -24, 20);
    const data = Float32Array.of(1, 2, 3, 4 + bound);
    expect(compareOp("conv2d", "y", expected, { shape: [2, 2], data })).toMatchObject({ problems: [] });
    data[3] = 4 + 3 * bound;
    const { problems } = compareOp("conv2d", "y", expected, { shape: [2, 2], data });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^y\[1, 1\] is 4\.0000\d+ instead of 4: 3\.00 times its bound$/);
  });
});

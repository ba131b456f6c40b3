import { describe, expect, it } from "vitest";
import { float64Kernels } from "../src/kernels/float64-reference.ts";
import type { DeviceTensor, Kernels } from "../src/kernels/kernels.ts";
import { type Layer, sizeOf } from "../src/model/layer.ts";
import type { HostTensor } from "../src/model/safetensors.ts";
import type { OptimizerSpec, SpecInput } from "../src/spec/schema.ts";
import { Optimizer, type ParameterGroup } from "../src/train/optimizer.ts";
import { Variables } from "../src/train/variables.ts";
import { cpuKernels } from "./cpu-engine.ts";
import { failureOf } from "./failure.ts";
import { readGolden } from "./golden.ts";
import { specWith } from "./spec-example.ts";

interface OptimizersGolden {
  readonly shapes: readonly (readonly number[])[];
  readonly start: readonly (readonly number[])[];
  /** By step and tensor. */
  readonly gradients: readonly (readonly (readonly number[])[])[];
  readonly trajectories: Readonly<
    Record<
      string,
      {
        readonly spec: NonNullable<SpecInput["optimizer"]>;
        readonly float64: readonly (readonly number[])[];
        readonly float32: readonly (readonly number[])[];
      }
    >
  >;
}

const golden = readGolden<OptimizersGolden>("keras-optimizers");
const NAMES = ["w/0", "w/1"] as const;
const ALL: readonly ParameterGroup[] = [{ lrMultiplier: 1, names: NAMES }];

const layer: Layer = {
  name: "w",
  op: { type: "Dense" },
  inputs: [],
  outputShape: [1],
  weights: golden.shapes.map((shape, index) => ({ name: String(index), shape, trainable: true })),
  macs: 0,
};

function startingVariables<T extends DeviceTensor>(kernels: Kernels<T>): Variables<T> {
  const tensors = golden.start.map((values, index): [string, HostTensor] => [
    `w/${index}`,
    { dtype: "float32", shape: golden.shapes[index] ?? [], data: Float32Array.from(values) },
  ]);
  return new Variables(kernels, [layer], new Map(tensors));
}

/** Weights after each step, both tensors in one row. */
async function trajectory<T extends DeviceTensor>(
  kernels: Kernels<T>,
  spec: OptimizerSpec,
  groups: readonly ParameterGroup[],
  read: (tensor: T) => Promise<ArrayLike<number>>,
): Promise<readonly (readonly number[])[]> {
  const before = kernels.memory().tensors;
  const variables = startingVariables(kernels);
  const optimizer = new Optimizer(kernels, spec, groups, variables);
  const trained = new Set(groups.flatMap((group) => group.names));
  const rows: number[][] = [];
  for (const step of golden.gradients) {
    const gradients = NAMES.flatMap((name, index): [string, T][] => {
      if (!trained.has(name)) return [];
      return [[name, kernels.upload(Float32Array.from(step[index] ?? []), golden.shapes[index] ?? [])]];
    });
    optimizer.apply(variables, new Map(gradients));
    const [first, second] = [await read(variables.get("w/0")), await read(variables.get("w/1"))];
    rows.push([...Array.from(first), ...Array.from(second)]);
  }
  optimizer.dispose();
  variables.dispose();
  expect(kernels.memory().tensors).toBe(before);
  return rows;
}

function worstDifference(found: readonly (readonly number[])[], expected: readonly (readonly number[])[]): number {
  const count = golden.shapes.reduce((sum, shape) => sum + sizeOf(shape), 0);
  expect(found.map((row) => row.length)).toEqual(expected.map(() => count));
  const differences = found.flatMap((row, step) =>
    row.map((value, i) => Math.abs(value - (expected[step]?.[i] ?? Number.NaN))),
  );
  return differences.reduce((worst, value) => Math.max(worst, value), 0); // NaN stays NaN, which is below nothing
}

const onFloat64 = async (spec: OptimizerSpec, groups = ALL): Promise<readonly (readonly number[])[]> =>
  await trajectory(float64Kernels(), spec, groups, async (tensor) => tensor.data);

describe.each(Object.entries(golden.trajectories))("%s", (title, { spec, float64, float32 }) => {
  const { optimizer } = specWith({ optimizer: spec });

  it("takes Keras's 5 steps in float64", async () => {
    // Keras rounds a momentum of 0.9 and Adam's betas to float32 even in float64; with exact ones nothing is left.
    expect(worstDifference(await onFloat64(optimizer), float64)).toBeLessThan(title.endsWith("exact") ? 1e-14 : 5e-7);
  });

  it("takes Keras's 5 steps in float32 on tfjs", async () => {
    const kernels = await cpuKernels();
    const found = await trajectory(kernels, optimizer, ALL, (tensor) => kernels.download(tensor));
    // Weights are below 4, where float32's spacing is 2.4e-7.
    expect(worstDifference(found, float32)).toBeLessThan(5e-7);
  });
});

describe("groups", () => {
  const { optimizer } = specWith({ optimizer: { name: "adam", learningRate: 0.01 } });

  it("of one multiplier do not change what comes out", async () => {
    const apart = ALL[0]?.names.map((name) => ({ lrMultiplier: 1, names: [name] })) ?? [];
    expect(await onFloat64(optimizer, apart)).toEqual(await onFloat64(optimizer));
  });

  it("scale the learning rate", async () => {
    const scaled = await onFloat64(optimizer, [
      { lrMultiplier: 0.1, names: ["w/0"] },
      { lrMultiplier: 1, names: ["w/1"] },
    ]);
    const [whole, slow] = [await onFloat64(optimizer), await onFloat64({ ...optimizer, learningRate: 0.001 })];
    expect(
      worstDifference(
        scaled,
        whole.map((row, step) => [...(slow[step] ?? []).slice(0, 6), ...row.slice(6)]),
      ),
    ).toBeLessThan(1e-15);
  });

  it("leave out what does not train", async () => {
    const rows = await onFloat64(optimizer, [{ lrMultiplier: 1, names: ["w/1"] }]);
    const whole = await onFloat64(optimizer);
    expect(rows).toEqual(whole.map((row) => [...(golden.start[0] ?? []), ...row.slice(6)]));
  });

  it("refuse a gradient that is missing, rather than give one weight another's", async () => {
    const kernels = float64Kernels();
    const variables = startingVariables(kernels);
    const optimizer64 = new Optimizer(kernels, optimizer, ALL, variables);
    const error = await failureOf(() =>
      optimizer64.apply(variables, new Map([["w/1", kernels.upload(new Float32Array(4), [4])]])),
    );
    expect([error.code, error.message]).toEqual(["internal", 'There is no gradient for "w/0".']);
  });
});

describe("learningRate", () => {
  it("follows the schedule, a step an update", async () => {
    const { optimizer: spec } = specWith({
      optimizer: {
        name: "sgd",
        learningRate: { schedule: "piecewise", boundaries: [0, 1], values: [0.5, 0.25, 0.125] },
      },
    });
    const kernels = float64Kernels();
    const variables = startingVariables(kernels);
    const optimizer = new Optimizer(kernels, spec, [{ lrMultiplier: 1, names: ["w/1"] }], variables);
    const rates: number[] = [];
    const steps: number[] = [];
    for (let step = 0; step < 3; step += 1) {
      rates.push(optimizer.learningRate);
      const before = variables.get("w/1").data[0] ?? 0;
      optimizer.apply(variables, new Map([["w/1", kernels.upload(new Float32Array(4).fill(1), [4])]]));
      steps.push(before - (variables.get("w/1").data[0] ?? 0));
    }
    expect(rates).toEqual([0.5, 0.25, 0.125]);
    expect(steps).toEqual(rates);
  });
});

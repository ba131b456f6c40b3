import type { CurvedActivation, Padding } from "../model/layer.ts";
import { samePadding } from "../model/table-builder.ts";
import { type CaseInput, caseData, input, type KernelCase } from "./kernel-cases.ts";
import type { Window } from "./kernels.ts";

const data = caseData(4000);

/** Around the kinks of the hard sigmoid, and where an exponential vanishes or overflows. */
const BENDS = [0, -0, 3, -3, 2.5, -2.5, 3.5, -3.5, 20, -20, 95, -95, 1.2e-38, 1e30, -1e30, 0.5];
const ACTIVATIONS: readonly CurvedActivation[] = ["silu", "sigmoid", "hard_silu", "hard_sigmoid"];

function activationCases(): KernelCase[] {
  const shape = [2, 4, 3, 2];
  const inputs: readonly (readonly [string, CaseInput])[] = [
    ["wide", data.uniform([2, 7, 5, 3], 6)],
    ["near zero", data.uniform([3, 1, 1, 11], 0.01)],
    ["bends", data.repeat(shape, BENDS)],
    ["a vector", data.uniform([3, 5], 4)],
  ];
  return ACTIVATIONS.flatMap((activation) =>
    inputs.flatMap(([name, x]): KernelCase[] => {
      const dy = data.uniform("shape" in x ? x.shape : []);
      return [
        {
          kernel: "activate",
          name: `${activation}, ${name}`,
          inputs: [x],
          run: (kernels, given) => ({ y: kernels.activate(input(given, 0), activation) }),
        },
        {
          kernel: "activateGradient",
          name: `${activation}, ${name}`,
          inputs: [dy, x],
          run: (kernels, given) => ({ dx: kernels.activateGradient(input(given, 0), input(given, 1), activation) }),
        },
      ];
    }),
  );
}

interface Pool {
  readonly name: string;
  readonly shape: readonly [batch: number, height: number, width: number, channels: number];
  readonly poolSize: readonly [number, number];
  readonly window: Window;
  /** Instead of random ones, repeated. */
  readonly values?: readonly number[];
}

function pools(): readonly Pool[] {
  const none: Padding = [
    [0, 0],
    [0, 0],
  ];
  const same = (height: number, width: number, size: number, strides: number): Padding => [
    samePadding(height, size, strides),
    samePadding(width, size, strides),
  ];
  return [
    { name: "ResNet50's", shape: [2, 10, 10, 5], poolSize: [3, 3], window: { strides: 2, padding: none } },
    { name: "2x2", shape: [2, 6, 7, 3], poolSize: [2, 2], window: { strides: 2, padding: none } },
    { name: "overlapping", shape: [1, 5, 6, 4], poolSize: [3, 3], window: { strides: 1, padding: none } },
    { name: "same, odd", shape: [2, 5, 7, 3], poolSize: [3, 3], window: { strides: 2, padding: same(5, 7, 3, 2) } },
    { name: "same, even", shape: [2, 6, 6, 3], poolSize: [3, 3], window: { strides: 2, padding: same(6, 6, 3, 2) } },
    {
      name: "all below zero at the padding",
      shape: [1, 4, 4, 2],
      poolSize: [3, 3],
      window: { strides: 2, padding: same(4, 4, 3, 2) },
      values: [-1, -2, -5, -0.5, -3],
    },
    {
      name: "equal values",
      shape: [1, 6, 6, 1],
      poolSize: [3, 3],
      window: { strides: 2, padding: none },
      values: [1, 2, 2, 1, 2],
    },
  ];
}

function poolCases(): KernelCase[] {
  return pools().flatMap(({ name, shape, poolSize, window, values }): KernelCase[] => {
    const x = values === undefined ? data.uniform(shape, 5) : data.repeat(shape, values);
    const [batch, height, width, channels] = shape;
    const { strides, padding } = window;
    const out = (size: number, pool: number, [before, after]: readonly [number, number]): number =>
      Math.floor((size + before + after - pool) / strides) + 1;
    const outShape = [batch, out(height, poolSize[0], padding[0]), out(width, poolSize[1], padding[1]), channels];
    const dy = data.uniform(outShape);
    return [
      {
        kernel: "maxPool",
        name,
        inputs: [x],
        run: (kernels, given) => ({ y: kernels.maxPool(input(given, 0), poolSize, window) }),
      },
      {
        kernel: "maxPoolGradient",
        name,
        inputs: [dy, x],
        run(kernels, given) {
          const y = kernels.maxPool(input(given, 1), poolSize, window);
          const dx = kernels.maxPoolGradient(input(given, 0), input(given, 1), y, poolSize, window);
          kernels.dispose(y);
          return { dx };
        },
      },
    ];
  });
}

function factorCases(): KernelCase[] {
  const shapes = [
    [2, 7, 5, 3],
    [1, 1, 1, 1],
    [3, 4, 4, 40],
    [2, 33, 31, 2],
  ] as const;
  return shapes.flatMap((shape): KernelCase[] => {
    const [batch, , , channels] = shape;
    const name = `[${shape.join(", ")}]`;
    const [x, dy, factors] = [data.uniform(shape, 5), data.uniform(shape), data.uniform([batch, 1, 1, channels], 2)];
    return [
      {
        kernel: "scaleChannels",
        name,
        inputs: [x, factors],
        run: (kernels, given) => ({ y: kernels.scaleChannels(input(given, 0), input(given, 1)) }),
      },
      {
        kernel: "scaleChannelsGradient",
        name,
        inputs: [dy, x],
        run: (kernels, given) => ({ dFactors: kernels.scaleChannelsGradient(input(given, 0), input(given, 1)) }),
      },
      {
        kernel: "reshape",
        name,
        inputs: [x],
        run: (kernels, given) => ({ y: kernels.reshape(input(given, 0), [batch, shape[1] * shape[2] * channels]) }),
      },
    ];
  });
}

/** Activations with a curve, max pooling, channel factors. */
export function imageOpCases(): KernelCase[] {
  return [...activationCases(), ...poolCases(), ...factorCases()];
}

import type { Padding } from "../model/layer.ts";
import { type CaseInput, caseData, input, type KernelCase } from "./kernel-cases.ts";
import { modelShapes } from "./model-shapes.ts";

const data = caseData(3000);

/** Around both kinks of ReLU6: the kinks, their float32 neighbours, the smallest normal, and far away. */
const KINKS = [0, -0, 6, 5.9999995, 6.0000005, 1.2e-38, -1.2e-38, 3, -3, 1e30, -1e30, 0.5];
/** What ReLU6 can put out. */
const OUTPUTS = [0, 6, 5.9999995, 1.2e-38, 3, 0.5, 5, 0, 6];

function activationCases(): KernelCase[] {
  return [6, null, 1].flatMap((maxValue): KernelCase[] => {
    const limit = maxValue === null ? "no limit" : `limit ${maxValue}`;
    const output = (values: readonly number[]): number[] => values.map((value) => Math.min(value, maxValue ?? value));
    const wide: CaseInput = data.uniform([2, 7, 5, 3], 9);
    return [
      ...[
        { name: `${limit}, wide`, x: wide },
        { name: `${limit}, kinks`, x: data.repeat([2, 3, 4, 1], KINKS) },
        { name: `${limit}, all far above`, x: data.repeat([1, 3, 3, 7], [7, 1e30]) },
      ].map(
        ({ name, x }): KernelCase => ({
          kernel: "relu",
          name,
          inputs: [x],
          run: (kernels, inputs) => ({ y: kernels.relu(input(inputs, 0), maxValue) }),
        }),
      ),
      ...[
        { name: `${limit}, between`, y: data.between([2, 7, 5, 3], 0, 1) },
        { name: `${limit}, kinks`, y: data.repeat([2, 7, 5, 3], output(OUTPUTS)) },
        { name: `${limit}, all cut off below`, y: data.repeat([2, 7, 5, 3], [0]) },
        { name: `${limit}, all cut off above`, y: data.repeat([2, 7, 5, 3], output([6])) },
      ].map(
        ({ name, y }): KernelCase => ({
          kernel: "reluGradient",
          name,
          inputs: [data.uniform([2, 7, 5, 3]), y],
          run: (kernels, inputs) => ({ dx: kernels.reluGradient(input(inputs, 0), input(inputs, 1), maxValue) }),
        }),
      ),
    ];
  });
}

function paddingCases(): KernelCase[] {
  const paddings: Padding[] = [
    [
      [0, 1],
      [0, 1],
    ],
    [
      [1, 1],
      [1, 1],
    ],
    [
      [2, 0],
      [1, 3],
    ],
    [
      [0, 0],
      [0, 0],
    ],
  ];
  const awkward = paddings.map((padding) => ({ name: JSON.stringify(padding), shape: [2, 5, 4, 3], padding }));
  return [...modelShapes().paddings, ...awkward].flatMap(({ name, shape, padding }): KernelCase[] => {
    const [batch = 0, height = 0, width = 0, channels = 0] = shape;
    const [[top, bottom], [left, right]] = padding;
    const padded = [batch, height + top + bottom, width + left + right, channels];
    return [
      {
        kernel: "zeroPad",
        name,
        get inputs() {
          return [caseData(3100).uniform(shape)];
        },
        run: (kernels, inputs) => ({ y: kernels.zeroPad(input(inputs, 0), padding) }),
      },
      {
        kernel: "zeroPadGradient",
        name,
        get inputs() {
          return [caseData(3200).uniform(padded)];
        },
        run: (kernels, inputs) => ({ dx: kernels.zeroPadGradient(input(inputs, 0), padding) }),
      },
    ];
  });
}

const IMAGES: readonly (readonly [number, number, number, number])[] = [
  [2, 3, 3, 1280],
  [1, 1, 1, 1],
  [3, 5, 7, 2],
  [1, 71, 67, 3],
];

function imageCases(): KernelCase[] {
  const pooled = modelShapes().poolings.map(({ shape }) => shape);
  return [...IMAGES, ...pooled].flatMap((shape): KernelCase[] => {
    const [batch, , , channels] = shape;
    const name = `[${shape.join(", ")}]`;
    const [first, second] = [data.uniform(shape, 5, 1), data.uniform(shape, 5)];
    const [vector, pooled] = [data.uniform([channels]), data.uniform([batch, channels])];
    return [
      {
        kernel: "biasAdd",
        name,
        inputs: [first, vector],
        run: (kernels, inputs) => ({ y: kernels.biasAdd(input(inputs, 0), input(inputs, 1)) }),
      },
      {
        kernel: "biasGradient",
        name,
        inputs: [first],
        run: (kernels, inputs) => ({ dBias: kernels.biasGradient(input(inputs, 0)) }),
      },
      {
        kernel: "add",
        name,
        inputs: [first, second],
        run: (kernels, inputs) => ({ y: kernels.add(input(inputs, 0), input(inputs, 1)) }),
      },
      {
        kernel: "multiply",
        name,
        inputs: [first, second],
        run: (kernels, inputs) => ({ y: kernels.multiply(input(inputs, 0), input(inputs, 1)) }),
      },
      {
        kernel: "globalAveragePool",
        name,
        inputs: [first],
        run: (kernels, inputs) => ({ y: kernels.globalAveragePool(input(inputs, 0)) }),
      },
      {
        kernel: "globalAveragePoolGradient",
        name,
        inputs: [pooled],
        run: (kernels, inputs) => ({ dx: kernels.globalAveragePoolGradient(input(inputs, 0), shape) }),
      },
    ];
  });
}

/** Activations, padding, pooling and element-wise layers. */
export function layerCases(): KernelCase[] {
  return [...activationCases(), ...paddingCases(), ...imageCases()];
}

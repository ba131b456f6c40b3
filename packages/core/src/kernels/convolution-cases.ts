import type { Padding } from "../model/layer.ts";
import { type CaseInput, caseData, input, type KernelCase, kernelOf } from "./kernel-cases.ts";
import type { Window } from "./kernels.ts";
import { type ConvolutionShape, modelShapes } from "./model-shapes.ts";

/** A convolution with the data that it is tried on. */
export interface ConvolutionCase extends ConvolutionShape {
  /** Magnitude of inputs and kernel; 1 without. */
  readonly magnitude?: number;
  /** Values of the input instead of random ones, repeated. */
  readonly values?: readonly number[];
  readonly large?: boolean;
}

const PADDINGS: Readonly<Record<string, Padding>> = {
  "no padding": [
    [0, 0],
    [0, 0],
  ],
  "padding on all sides": [
    [1, 1],
    [1, 1],
  ],
  "padding below and right": [
    [0, 1],
    [0, 1],
  ],
  "padding above and left": [
    [1, 0],
    [1, 0],
  ],
  "lopsided padding": [
    [2, 1],
    [0, 3],
  ],
};

/** Sums of these are far below their terms. */
const CANCELLING = [1000, -999, 0.125, -1000, 999, 3e-5];

/** Sizes at which an implementation slips. */
export function awkwardConvolutions(): ConvolutionCase[] {
  const none = PADDINGS["no padding"] as Padding;
  const around = PADDINGS["padding on all sides"] as Padding;
  return [false, true].flatMap((depthwise) => {
    const shape = (
      name: string,
      inputShape: ConvolutionShape["inputShape"],
      kernelSize: number,
      window: Window,
      data: Pick<ConvolutionCase, "magnitude" | "values"> = {},
    ): ConvolutionCase => {
      const kernelShape = [kernelSize, kernelSize, inputShape[3], depthwise ? 1 : 4] as const;
      return { name, depthwise, inputShape, kernelShape, window, ...data };
    };
    const windows = [1, 2].flatMap((strides) =>
      Object.entries(PADDINGS).flatMap(([words, padding]) => [
        shape(`odd image, stride ${strides}, ${words}`, [1, 5, 7, 3], 3, { strides, padding }),
        // With stride 1, an even size is nothing new.
        ...(strides === 1
          ? []
          : [shape(`even image, stride ${strides}, ${words}`, [2, 6, 8, 3], 3, { strides, padding })]),
      ]),
    );
    return [
      ...windows,
      shape("one pixel, one channel", [1, 1, 1, 1], 1, { strides: 1, padding: none }),
      shape("one pixel under a 3x3 kernel", [2, 1, 1, 5], 3, { strides: 1, padding: around }),
      shape("one channel", [2, 5, 4, 1], 3, { strides: 1, padding: around }),
      shape("1x1 kernel with stride 2", [2, 5, 6, 3], 1, { strides: 2, padding: none }),
      shape("1x1 kernel with padding", [2, 5, 6, 3], 1, { strides: 1, padding: around }),
      shape(
        "products near the smallest normal",
        [1, 4, 4, 2],
        3,
        { strides: 1, padding: around },
        { magnitude: 2e-19 },
      ),
      shape("a long sum that cancels", [1, 41, 43, 2], 3, { strides: 1, padding: around }, { values: CANCELLING }),
      shape("saturated ReLU6", [2, 4, 4, 3], 3, { strides: 2, padding: around }, { values: [0, 6, 6, 0, 6] }),
      shape("more channels than any vector", [1, 2, 3, 67], 3, { strides: 1, padding: around }),
    ];
  });
}

export function outputShape({ depthwise, inputShape, kernelShape, window }: ConvolutionShape): readonly number[] {
  const [batch, height, width, channels] = inputShape;
  const [[top, bottom], [left, right]] = window.padding;
  return [
    batch,
    Math.floor((height + top + bottom - kernelShape[0]) / window.strides) + 1,
    Math.floor((width + left + right - kernelShape[1]) / window.strides) + 1,
    depthwise ? channels : kernelShape[3],
  ];
}

/** Forward pass and both gradients of one convolution; inputs are drawn when they are wanted. */
function casesOf(shape: ConvolutionCase, seed: number): KernelCase[] {
  const { depthwise, inputShape, kernelShape, window, magnitude = 1, values, large = false } = shape;
  const [xData, kernelData, dyData] = [0, 1, 2].map((offset) => () => caseData(3 * seed + offset)) as [
    Draw,
    Draw,
    Draw,
  ];
  const x = (): CaseInput =>
    values === undefined ? xData().uniform(inputShape, magnitude) : xData().repeat(inputShape, values);
  const kernel = (): CaseInput => kernelData().uniform(kernelShape, magnitude);
  const dy = (): CaseInput => dyData().uniform(outputShape(shape), magnitude);
  const name = `${shape.name} [${inputShape.join(", ")}]`;
  const filters = outputShape(shape)[3] ?? 1;
  const relu = [undefined, { maxValue: 6 }, { maxValue: null }][seed % 3];
  const normalised = depthwise ? "depthwiseConv2dNormalised" : "conv2dNormalised";
  const epsilon = 1e-3;
  return [
    {
      kernel: normalised,
      name: `${name}${relu === undefined ? "" : `, ReLU up to ${relu.maxValue}`}`,
      large,
      get inputs() {
        const draw = caseData(7 * seed);
        const around = draw.uniform([filters], magnitude);
        const weights = [draw.between([filters], 0.5, 1.5), draw.uniform([filters]), around];
        return [x(), kernel(), ...weights, draw.between([filters], 0.1, 2)];
      },
      run: (kernels, inputs) => {
        const [gamma, beta] = [input(inputs, 2), input(inputs, 3)];
        const norm = { gamma, beta, mean: input(inputs, 4), variance: input(inputs, 5), epsilon };
        return { y: kernelOf(kernels, normalised)(input(inputs, 0), input(inputs, 1), norm, window, relu) };
      },
    },
    {
      kernel: depthwise ? "depthwiseConv2d" : "conv2d",
      name,
      large,
      get inputs() {
        return [x(), kernel()];
      },
      run: (kernels, inputs) => ({
        y: kernels[depthwise ? "depthwiseConv2d" : "conv2d"](input(inputs, 0), input(inputs, 1), window),
      }),
    },
    {
      kernel: depthwise ? "depthwiseConv2dInputGradient" : "conv2dInputGradient",
      name,
      large,
      get inputs() {
        return [dy(), kernel()];
      },
      run: (kernels, inputs) => {
        const gradient = kernels[depthwise ? "depthwiseConv2dInputGradient" : "conv2dInputGradient"];
        return { dx: gradient(input(inputs, 0), input(inputs, 1), inputShape, window) };
      },
    },
    {
      kernel: depthwise ? "depthwiseConv2dKernelGradient" : "conv2dKernelGradient",
      name,
      large,
      get inputs() {
        return [x(), dy()];
      },
      run: (kernels, inputs) => {
        const gradient = kernels[depthwise ? "depthwiseConv2dKernelGradient" : "conv2dKernelGradient"];
        return { dKernel: gradient(input(inputs, 0), input(inputs, 1), kernelShape, window) };
      },
    },
  ];
}

type Draw = () => ReturnType<typeof caseData>;

/** Kinds of convolutions that ResNet50, EfficientNetB0 and MobileNetV3 have and MobileNetV2 has not, small. */
function otherConvolutions(): ConvolutionCase[] {
  const none = PADDINGS["no padding"] as Padding;
  const around = (zeros: number): Padding => [
    [zeros, zeros],
    [zeros, zeros],
  ];
  const shape = (
    name: string,
    depthwise: boolean,
    inputShape: ConvolutionShape["inputShape"],
    [height, width, filters]: readonly [number, number, number],
    window: Window,
  ): ConvolutionCase => {
    const kernelShape = [height, width, inputShape[3], depthwise ? 1 : filters] as const;
    return { name, depthwise, inputShape, kernelShape, window };
  };
  const behind: Padding = [
    [1, 2],
    [1, 2],
  ];
  return [
    shape("7x7 stem, stride 2", false, [1, 14, 15, 3], [7, 7, 8], { strides: 2, padding: none }),
    shape("3x3 in the middle", false, [1, 6, 6, 32], [3, 3, 32], { strides: 1, padding: around(1) }),
    shape("1x1 projection, stride 2", false, [2, 7, 7, 32], [1, 1, 16], { strides: 2, padding: none }),
    shape("squeezed to one pixel", false, [3, 1, 1, 40], [1, 1, 10], { strides: 1, padding: none }),
    {
      ...shape("as many weights as any", false, [1, 2, 2, 512], [3, 3, 512], { strides: 1, padding: around(1) }),
      large: true,
    },
    shape("taller than wide", false, [2, 6, 5, 3], [3, 1, 4], { strides: 1, padding: none }),
    shape("5x5", true, [2, 7, 6, 9], [5, 5, 1], { strides: 1, padding: around(2) }),
    shape("5x5, stride 2, even image", true, [2, 8, 6, 9], [5, 5, 1], { strides: 2, padding: behind }),
    shape("5x5, stride 2, odd image", true, [1, 7, 9, 5], [5, 5, 1], { strides: 2, padding: around(2) }),
    shape("5x5 on one pixel", true, [2, 1, 1, 6], [5, 5, 1], { strides: 1, padding: around(2) }),
  ];
}

/** Convolutions of MobileNetV2, those of other networks, and awkward ones, forward and backward. */
export function convolutionCases(): KernelCase[] {
  const shapes: readonly ConvolutionCase[] = [
    ...awkwardConvolutions(),
    ...modelShapes().convolutions.map((shape) => ({ ...shape, large: true })),
    ...otherConvolutions(),
  ];
  return shapes.flatMap((shape, index) => casesOf(shape, 1000 + index));
}

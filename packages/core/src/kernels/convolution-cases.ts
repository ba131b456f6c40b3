import type { Padding } from "../model/layer.ts";
import { mobileNetV2 } from "../model/mobilenet-v2.ts";
import { type CaseInput, caseData, input, type KernelCase, spread } from "./kernel-cases.ts";
import type { Window } from "./kernels.ts";

/** A convolution by its shapes. */
interface ConvolutionShape {
  readonly name: string;
  readonly depthwise: boolean;
  readonly inputShape: readonly [batch: number, height: number, width: number, channels: number];
  readonly kernelShape: readonly [height: number, width: number, inChannels: number, outChannels: number];
  readonly window: Window;
  /** Magnitude of inputs and kernel. */
  readonly magnitude?: number;
}

const BATCH = 2;

/** The distinct convolutions of MobileNetV2 0.35 at 64 px, a few of each kind. */
function modelConvolutions(): ConvolutionShape[] {
  const { layers } = mobileNetV2({ alpha: 0.35, imageSize: 64 });
  const shapeOf = new Map(layers.map((layer) => [layer.name, layer.outputShape]));
  const distinct = new Map<string, ConvolutionShape>();
  for (const { name, op, inputs, weights } of layers) {
    if (op.type !== "Conv2D" && op.type !== "DepthwiseConv2D") continue;
    const [height = 0, width = 0, channels = 0] = shapeOf.get(inputs[0] ?? "") ?? [];
    const [kernelHeight = 0, kernelWidth = 0, inChannels = 0, outChannels = 0] = weights[0]?.shape ?? [];
    const shape: ConvolutionShape = {
      name,
      depthwise: op.type === "DepthwiseConv2D",
      inputShape: [BATCH, height, width, channels],
      kernelShape: [kernelHeight, kernelWidth, inChannels, outChannels],
      window: { strides: op.strides, padding: op.padding },
    };
    const key = JSON.stringify([shape.inputShape, shape.kernelShape, shape.window]);
    if (!distinct.has(key)) distinct.set(key, shape);
  }
  const shapes = [...distinct.values()];
  return [
    ...spread(
      shapes.filter(({ depthwise }) => !depthwise),
      6,
    ),
    ...spread(
      shapes.filter(({ depthwise, window }) => depthwise && window.strides === 1),
      3,
    ),
    ...spread(
      shapes.filter(({ depthwise, window }) => depthwise && window.strides === 2),
      3,
    ),
  ];
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

/** Sizes at which an implementation slips. */
function awkwardConvolutions(): ConvolutionShape[] {
  const none = PADDINGS["no padding"] as Padding;
  const around = PADDINGS["padding on all sides"] as Padding;
  return [false, true].flatMap((depthwise) => {
    const shape = (
      name: string,
      inputShape: ConvolutionShape["inputShape"],
      kernelSize: number,
      window: Window,
      magnitude = 1,
    ): ConvolutionShape => {
      const kernelShape = [kernelSize, kernelSize, inputShape[3], depthwise ? 1 : 4] as const;
      return { name, depthwise, inputShape, kernelShape, window, magnitude };
    };
    const windows = [1, 2].flatMap((strides) =>
      Object.entries(PADDINGS).flatMap(([words, padding]) => [
        shape(`odd image, stride ${strides}, ${words}`, [1, 5, 7, 3], 3, { strides, padding }),
        shape(`even image, stride ${strides}, ${words}`, [2, 6, 8, 3], 3, { strides, padding }),
      ]),
    );
    return [
      ...windows,
      shape("one pixel, one channel", [1, 1, 1, 1], 1, { strides: 1, padding: none }),
      shape("one pixel under a 3x3 kernel", [2, 1, 1, 5], 3, { strides: 1, padding: around }),
      shape("one channel", [2, 5, 4, 1], 3, { strides: 1, padding: around }),
      shape("1x1 kernel with stride 2", [2, 5, 6, 3], 1, { strides: 2, padding: none }),
      shape("1x1 kernel with padding", [2, 5, 6, 3], 1, { strides: 1, padding: around }),
      shape("products near the smallest normal", [1, 4, 4, 2], 3, { strides: 1, padding: around }, 2e-19),
    ];
  });
}

function outputShape({ depthwise, inputShape, kernelShape, window }: ConvolutionShape): readonly number[] {
  const [batch, height, width, channels] = inputShape;
  const [[top, bottom], [left, right]] = window.padding;
  return [
    batch,
    Math.floor((height + top + bottom - kernelShape[0]) / window.strides) + 1,
    Math.floor((width + left + right - kernelShape[1]) / window.strides) + 1,
    depthwise ? channels : kernelShape[3],
  ];
}

/** Forward pass and both gradients of one convolution. */
function casesOf(shape: ConvolutionShape, seed: number): KernelCase[] {
  const { depthwise, inputShape, kernelShape, window, magnitude = 1 } = shape;
  const data = caseData(seed);
  const x: CaseInput = data.uniform(inputShape, magnitude);
  const kernel: CaseInput = data.uniform(kernelShape, magnitude);
  const dy: CaseInput = data.uniform(outputShape(shape), magnitude);
  const name = `${shape.name} [${inputShape.join(", ")}]`;
  return [
    {
      kernel: depthwise ? "depthwiseConv2d" : "conv2d",
      name,
      inputs: [x, kernel],
      run: (kernels, inputs) => ({
        y: kernels[depthwise ? "depthwiseConv2d" : "conv2d"](input(inputs, 0), input(inputs, 1), window),
      }),
    },
    {
      kernel: depthwise ? "depthwiseConv2dInputGradient" : "conv2dInputGradient",
      name,
      inputs: [dy, kernel],
      run: (kernels, inputs) => {
        const gradient = kernels[depthwise ? "depthwiseConv2dInputGradient" : "conv2dInputGradient"];
        return { dx: gradient(input(inputs, 0), input(inputs, 1), inputShape, window) };
      },
    },
    {
      kernel: depthwise ? "depthwiseConv2dKernelGradient" : "conv2dKernelGradient",
      name,
      inputs: [x, dy],
      run: (kernels, inputs) => {
        const gradient = kernels[depthwise ? "depthwiseConv2dKernelGradient" : "conv2dKernelGradient"];
        return { dKernel: gradient(input(inputs, 0), input(inputs, 1), kernelShape, window) };
      },
    },
  ];
}

/** Convolutions of MobileNetV2 and awkward ones, forward and backward. */
export function convolutionCases(): KernelCase[] {
  return [...modelConvolutions(), ...awkwardConvolutions()].flatMap((shape, index) => casesOf(shape, 1000 + index));
}

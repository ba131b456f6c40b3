import { floats } from "../case-values.ts";
import { call, x } from "../op-call.ts";
import { type OpRow, row } from "../op-row.ts";
import { at, atOr, build, InvalidCase, type Tensor64 } from "../tensor64.ts";
import { axisWindow, type Pad, padArgument } from "../windows.ts";
import { first, second } from "./parametric.ts";

/** A two-dimensional convolution by its sizes. */
export type ConvolutionSizes = {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly out: number;
  readonly kernel: readonly [number, number];
  readonly strides: number;
  readonly dilation: number;
  readonly pad: Pad;
};

/** A small convolution, from which the others differ. */
export const BASE: ConvolutionSizes = {
  batch: 1,
  height: 5,
  width: 6,
  channels: 2,
  out: 3,
  kernel: [3, 3],
  strides: 1,
  dilation: 1,
  pad: "same",
};

/** Every padding with every stride, odd and even sizes, sizes of one. */
const SIZES: readonly ConvolutionSizes[] = [
  BASE,
  { ...BASE, pad: "valid" },
  { ...BASE, strides: 2 },
  { ...BASE, strides: 2, pad: "valid" },
  { ...BASE, height: 6, width: 5, strides: 2 },
  { ...BASE, pad: 1 },
  { ...BASE, pad: 2, strides: 2 },
  {
    ...BASE,
    pad: [
      [0, 1],
      [0, 1],
    ],
    strides: 2,
  },
  {
    ...BASE,
    pad: [
      [1, 0],
      [2, 1],
    ],
  },
  { ...BASE, dilation: 2 },
  { ...BASE, dilation: 2, pad: "valid" },
  { ...BASE, kernel: [1, 1] },
  { ...BASE, kernel: [1, 1], strides: 2 },
  { ...BASE, kernel: [1, 1], strides: 2, pad: "valid" },
  { ...BASE, kernel: [2, 3] },
  { ...BASE, kernel: [2, 2], strides: 2, pad: "valid" },
  { ...BASE, kernel: [5, 6], pad: "valid" },
  { ...BASE, height: 1, width: 1, channels: 1, out: 1, kernel: [1, 1] },
  { ...BASE, height: 1, width: 1 },
  { ...BASE, batch: 2, height: 4, width: 3, channels: 1 },
  { ...BASE, batch: 3, height: 3, width: 3, channels: 5, out: 1 },
  { ...BASE, height: 3, width: 4, channels: 4, out: 4 },
  { ...BASE, height: 4, width: 4, channels: 3, out: 8, strides: 2 },
];

interface ConvolutionKind {
  readonly depthwise: boolean;
}

/** Output of a convolution, from the definition; depthwise kernels are [h, w, channels, multiplier]. */
export function convolve(
  input: Tensor64,
  kernel: Tensor64,
  { strides, dilation, pad }: Pick<ConvolutionSizes, "strides" | "dilation" | "pad">,
  { depthwise }: ConvolutionKind,
): Tensor64 {
  const [batch = 0, height = 0, width = 0, channels = 0] = input.shape;
  const [kernelHeight = 0, kernelWidth = 0, kernelChannels = 0, last = 0] = kernel.shape;
  if (channels !== kernelChannels) throw new InvalidCase("channels of image and kernel");
  const rows = axisWindow(height, kernelHeight, strides, dilation, pad, 0);
  const columns = axisWindow(width, kernelWidth, strides, dilation, pad, 1);
  return build(
    [batch, rows.places, columns.places, depthwise ? channels * last : last],
    ([b = 0, r = 0, c = 0, o = 0]) => {
      let sum = 0;
      for (let i = 0; i < kernelHeight; i += 1) {
        for (let j = 0; j < kernelWidth; j += 1) {
          const place = [b, r * strides + i * dilation - rows.before, c * strides + j * dilation - columns.before];
          for (
            let k = depthwise ? Math.floor(o / last) : 0;
            k < (depthwise ? Math.floor(o / last) + 1 : channels);
            k += 1
          ) {
            sum += atOr(input, [...place, k], 0) * at(kernel, [i, j, k, depthwise ? o % last : o]);
          }
        }
      }
      return sum;
    },
  );
}

function convolutionRow(op: "conv2d" | "depthwiseConv2d", cases: readonly ConvolutionSizes[]): OpRow {
  const depthwise = op === "depthwiseConv2d";
  return row<ConvolutionSizes>({
    op: `tf.${op}`,
    cases,
    inputs: ({ batch, height, width, channels, kernel, out }) => [
      floats([batch, height, width, channels], 41),
      floats([...kernel, channels, out], 42),
    ],
    call: ({ strides, pad, dilation }) => call(op, x(0), x(1), strides, padArgument(pad), "NHWC", dilation),
    reference: (inputs, p) => convolve(first(inputs), second(inputs), p, { depthwise }),
    rule: "sum",
    scale: "magnitudes",
    terms: ({ kernel, channels }) => kernel[0] * kernel[1] * (depthwise ? 1 : channels),
    linear: true,
    gradients: ({ dilation }) => (dilation === 1 ? [0, 1] : []), // tfjs-core has none for dilated convolutions
  });
}

/** Convolutions of images. */
export function convolutionRows(): OpRow[] {
  const depthwise = SIZES.map((size, index) => ({ ...size, out: index % 3 === 1 ? 2 : 1 }));
  return [convolutionRow("conv2d", SIZES), convolutionRow("depthwiseConv2d", depthwise)];
}

import { floats } from "../case-values.ts";
import { call, x } from "../op-call.ts";
import { type OpRow, row } from "../op-row.ts";
import { at, atOr, build, InvalidCase } from "../tensor64.ts";
import { axisWindow, padArgument } from "../windows.ts";
import { BASE, type ConvolutionSizes, convolve } from "./convolution.ts";
import { first, second } from "./parametric.ts";

function separableRow(): OpRow {
  return row<ConvolutionSizes>({
    op: "tf.separableConv2d",
    cases: [
      { ...BASE, height: 4, width: 4 },
      { ...BASE, height: 4, width: 5, strides: 2 },
      { ...BASE, height: 4, width: 4, pad: "valid" },
      { ...BASE, height: 5, width: 5, dilation: 2 },
      { ...BASE, channels: 1, out: 1, height: 3, width: 3 },
    ],
    inputs: ({ batch, height, width, channels, kernel, out }) => [
      floats([batch, height, width, channels], 43),
      floats([...kernel, channels, 2], 44),
      floats([1, 1, 2 * channels, out], 45),
    ],
    call: ({ strides, pad, dilation }) =>
      call("separableConv2d", x(0), x(1), x(2), strides, padArgument(pad), dilation, "NHWC"),
    reference(inputs, p) {
      const middle = convolve(first(inputs), second(inputs), p, { depthwise: true });
      return convolve(middle, second(inputs.slice(1)), { strides: 1, dilation: 1, pad: "valid" }, { depthwise: false });
    },
    rule: "sum",
    scale: "magnitudes",
    terms: ({ kernel, channels }) => kernel[0] * kernel[1] + 2 * channels,
    linear: true,
    gradients: ({ dilation }) => (dilation === 1 ? [0, 1, 2] : []),
  });
}

/** The convolution's transpose: scatters what a convolution from `size` would gather. */
function transposedRow(): OpRow {
  type P = Omit<ConvolutionSizes, "dilation"> & { readonly pad: "same" | "valid" };
  const base = { batch: 1, height: 3, width: 4, channels: 2, out: 3, kernel: [3, 3], strides: 1, pad: "same" } as const;
  const sizeOf = (size: number, kernel: number, { strides, pad }: P): number =>
    pad === "same" ? size * strides : (size - 1) * strides + kernel;
  return row<P>({
    op: "tf.conv2dTranspose",
    cases: [
      base,
      { ...base, strides: 2 },
      { ...base, strides: 2, pad: "valid" },
      { ...base, pad: "valid" },
      { ...base, kernel: [2, 2], strides: 2 },
      { ...base, kernel: [1, 1], batch: 2 },
      { ...base, height: 1, width: 1, channels: 1, out: 1, strides: 2, pad: "valid" },
    ],
    inputs: ({ batch, height, width, channels, kernel, out }) => [
      floats([batch, height, width, channels], 46),
      floats([...kernel, out, channels], 47),
    ],
    call: (p) =>
      call(
        "conv2dTranspose",
        x(0),
        x(1),
        [p.batch, sizeOf(p.height, p.kernel[0], p), sizeOf(p.width, p.kernel[1], p), p.out],
        p.strides,
        p.pad,
      ),
    reference(inputs, p) {
      const [image, kernel] = [first(inputs), second(inputs)];
      const [height, width] = [sizeOf(p.height, p.kernel[0], p), sizeOf(p.width, p.kernel[1], p)];
      const rows = axisWindow(height, p.kernel[0], p.strides, 1, p.pad, 0);
      const columns = axisWindow(width, p.kernel[1], p.strides, 1, p.pad, 1);
      if (rows.places !== p.height || columns.places !== p.width) throw new InvalidCase("sizes do not match");
      return build([p.batch, height, width, p.out], ([b = 0, r = 0, c = 0, o = 0]) => {
        let sum = 0;
        for (let y = 0; y < p.height; y += 1) {
          for (let z = 0; z < p.width; z += 1) {
            const [i, j] = [r - y * p.strides + rows.before, c - z * p.strides + columns.before];
            if (i < 0 || j < 0 || i >= p.kernel[0] || j >= p.kernel[1]) continue;
            for (let k = 0; k < p.channels; k += 1) sum += at(image, [b, y, z, k]) * at(kernel, [i, j, o, k]);
          }
        }
        return sum;
      });
    },
    rule: "sum",
    scale: "magnitudes",
    terms: ({ kernel, channels }) => kernel[0] * kernel[1] * channels,
    linear: true,
  });
}

function conv1dRow(): OpRow {
  type P = {
    readonly batch: number;
    readonly width: number;
    readonly channels: number;
    readonly out: number;
    readonly kernel: number;
    readonly strides: number;
    readonly dilation: number;
    readonly pad: "same" | "valid";
  };
  const base: P = { batch: 2, width: 7, channels: 2, out: 3, kernel: 3, strides: 1, dilation: 1, pad: "same" };
  return row<P>({
    op: "tf.conv1d",
    cases: [
      base,
      { ...base, strides: 2 },
      { ...base, pad: "valid", strides: 2 },
      { ...base, dilation: 2 },
      { ...base, kernel: 1, width: 1 },
    ],
    inputs: ({ batch, width, channels, kernel, out }) => [
      floats([batch, width, channels], 48),
      floats([kernel, channels, out], 49),
    ],
    call: ({ strides, pad, dilation }) => call("conv1d", x(0), x(1), strides, pad, "NWC", dilation),
    reference(inputs, { batch, width, channels, kernel, out, strides, dilation, pad }) {
      const window = axisWindow(width, kernel, strides, dilation, pad, 0);
      return build([batch, window.places, out], ([b = 0, place = 0, o = 0]) => {
        let sum = 0;
        for (let j = 0; j < kernel; j += 1) {
          for (let k = 0; k < channels; k += 1) {
            sum +=
              atOr(first(inputs), [b, place * strides + j * dilation - window.before, k], 0) *
              at(second(inputs), [j, k, o]);
          }
        }
        return sum;
      });
    },
    rule: "sum",
    scale: "magnitudes",
    terms: ({ kernel, channels }) => kernel * channels,
    linear: true,
    gradients: ({ dilation }) => (dilation === 1 ? [0, 1] : []),
  });
}

/** Convolutions that are made of others, turned round, or on sequences. */
export function convolutionKindRows(): OpRow[] {
  return [separableRow(), transposedRow(), conv1dRow()];
}

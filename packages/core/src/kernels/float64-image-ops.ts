import type { CurvedActivation } from "../model/layer.ts";
import { accumulate, at, elementwise, type Float64Tensor, float64Zeros } from "./float64-tensor.ts";
import type { Kernels, Window } from "./kernels.ts";

type ImageOp =
  | "reshape"
  | "scaleChannels"
  | "scaleChannelsGradient"
  | "activate"
  | "activateGradient"
  | "maxPool"
  | "maxPoolGradient";

/** A function with the condition sum of its value, which an exponential's error is in proportion to. */
type Curve = (x: number) => readonly [value: number, scale: number];

/** exp(x) is off by a multiple of (2 + |x|) roundings, WGSL's bound; of that, 1 - sigmoid shows in the sigmoid. */
const sigmoid: Curve = (x) => {
  const value = 1 / (1 + Math.exp(-x));
  return [value, value * (1 + (1 - value) * (2 + Math.abs(x)))];
};

const hardSigmoid: Curve = (x) => {
  const value = Math.min(Math.max(x + 3, 0), 6) / 6;
  return [value, Math.min((Math.abs(x) + 3) / 6, 1)];
};

const timesInput =
  (curve: Curve): Curve =>
  (x) => {
    const [value, scale] = curve(x);
    return [x * value, Math.abs(x) * scale];
  };

const CURVES: Readonly<Record<CurvedActivation, Curve>> = {
  sigmoid,
  hard_sigmoid: hardSigmoid,
  silu: timesInput(sigmoid),
  hard_silu: timesInput(hardSigmoid),
};

const slopeOfHardSigmoid = (x: number): number => (x > -3 && x < 3 ? 1 / 6 : 0);

const SLOPES: Readonly<Record<CurvedActivation, Curve>> = {
  sigmoid(x) {
    const [value, scale] = sigmoid(x);
    return [value * (1 - value), 2 * scale];
  },
  hard_sigmoid: (x) => [slopeOfHardSigmoid(x), slopeOfHardSigmoid(x)],
  silu(x) {
    const [value, scale] = sigmoid(x);
    return [value * (1 + x * (1 - value)), 2 * scale * (1 + Math.abs(x))];
  },
  hard_silu(x) {
    const [value, scale] = hardSigmoid(x);
    return [value + x * slopeOfHardSigmoid(x), scale + Math.abs(x) * slopeOfHardSigmoid(x)];
  },
};

/** Flat index of the first largest value of each window of an image, by output element. */
function winners(x: Float64Tensor, [poolHeight, poolWidth]: readonly [number, number], window: Window): Int32Array {
  const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
  const [, outHeight = 0, outWidth = 0] = pooledShape(x.shape, [poolHeight, poolWidth], window);
  const [[top], [left]] = window.padding;
  const found = new Int32Array(batch * outHeight * outWidth * channels);
  for (let out = 0; out < found.length; out += 1) {
    const channel = out % channels;
    const pixel = Math.floor(out / channels);
    const column = (pixel % outWidth) * window.strides - left;
    const row = (Math.floor(pixel / outWidth) % outHeight) * window.strides - top;
    const image = Math.floor(pixel / (outWidth * outHeight));
    let [best, largest] = [-1, Number.NEGATIVE_INFINITY];
    for (let y = Math.max(row, 0); y < Math.min(row + poolHeight, height); y += 1) {
      for (let z = Math.max(column, 0); z < Math.min(column + poolWidth, width); z += 1) {
        const index = ((image * height + y) * width + z) * channels + channel;
        if (best < 0 || at(x.data, index) > largest) [best, largest] = [index, at(x.data, index)];
      }
    }
    found[out] = best;
  }
  return found;
}

function pooledShape(
  [batch = 0, height = 0, width = 0, channels = 0]: readonly number[],
  [poolHeight, poolWidth]: readonly [number, number],
  { strides, padding: [rows, columns] }: Window,
): readonly [number, number, number, number] {
  const outHeight = Math.floor((height + rows[0] + rows[1] - poolHeight) / strides) + 1;
  const outWidth = Math.floor((width + columns[0] + columns[1] - poolWidth) / strides) + 1;
  return [batch, outHeight, outWidth, channels];
}

/** Activations with a curve, max pooling and channel factors of the float64 reference. */
export function float64ImageOps(): Pick<Kernels<Float64Tensor>, ImageOp> {
  return {
    reshape: (x, shape) => ({ ...x, shape: [...shape], data: x.data.slice(), scale: new Float64Array(x.data.length) }),
    scaleChannels(x, factors) {
      const [, height = 0, width = 0, channels = 0] = x.shape;
      return elementwise(x.shape, (index) => {
        const image = Math.floor(index / (height * width * channels));
        const value = at(x.data, index) * at(factors.data, image * channels + (index % channels));
        return [value, Math.abs(value)];
      });
    },
    scaleChannelsGradient(dy, x) {
      const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
      const sums = float64Zeros([batch, 1, 1, channels], height * width);
      for (let index = 0; index < x.data.length; index += 1) {
        const image = Math.floor(index / (height * width * channels));
        accumulate(sums, image * channels + (index % channels), at(dy.data, index) * at(x.data, index));
      }
      return sums;
    },
    activate: (x, activation) => elementwise(x.shape, (index) => CURVES[activation](at(x.data, index))),
    activateGradient: (dy, x, activation) =>
      elementwise(x.shape, (index) => {
        const [slope, scale] = SLOPES[activation](at(x.data, index));
        return [at(dy.data, index) * slope, Math.abs(at(dy.data, index)) * scale];
      }),
    maxPool(x, poolSize, window) {
      const found = winners(x, poolSize, window);
      return elementwise(pooledShape(x.shape, poolSize, window), (index) => [at(x.data, at(found, index)), 0]);
    },
    maxPoolGradient(dy, x, _y, poolSize, window) {
      const dx = float64Zeros(x.shape, poolSize[0] * poolSize[1]);
      for (const [index, winner] of winners(x, poolSize, window).entries()) accumulate(dx, winner, at(dy.data, index));
      return dx;
    },
  };
}

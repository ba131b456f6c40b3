import type { Padding } from "../model/layer.ts";
import { float64BatchNorm, sumChannels } from "./float64-batch-norm.ts";
import { float64Convolutions } from "./float64-convolution.ts";
import { float64Fused } from "./float64-fused.ts";
import { float64ImageOps } from "./float64-image-ops.ts";
import { float64Optimizers } from "./float64-optimizer.ts";
import { accumulate, at, elementwise, type Float64Tensor, float64Tensor, float64Zeros } from "./float64-tensor.ts";
import type { Kernels } from "./kernels.ts";

/** Matrix product of `[rows, inner]` and `[inner, columns]`, each given by its element. */
function product(
  [rows, inner, columns]: readonly [number, number, number],
  left: (row: number, k: number) => number,
  right: (k: number, column: number) => number,
): Float64Tensor {
  const result = float64Zeros([rows, columns], inner);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      for (let k = 0; k < inner; k++) accumulate(result, row * columns + column, left(row, k) * right(k, column));
  return result;
}

/** Flat index in an image of the unpadded shape for one in the padded shape, or -1 on the padding. */
function insidePadding(padded: readonly number[], index: number, [[top, bottom], [left, right]]: Padding): number {
  const [, height = 0, width = 0, channels = 0] = padded;
  const channel = index % channels;
  const pixel = Math.floor(index / channels);
  const x = (pixel % width) - left;
  const y = (Math.floor(pixel / width) % height) - top;
  const image = Math.floor(pixel / (width * height));
  const [innerHeight, innerWidth] = [height - top - bottom, width - left - right];
  if (y < 0 || y >= innerHeight || x < 0 || x >= innerWidth) return -1;
  return ((image * innerHeight + y) * innerWidth + x) * channels + channel;
}

function layers(): Pick<
  Kernels<Float64Tensor>,
  | "biasAdd"
  | "biasGradient"
  | "relu"
  | "reluGradient"
  | "zeroPad"
  | "zeroPadGradient"
  | "add"
  | "multiply"
  | "globalAveragePool"
  | "globalAveragePoolGradient"
> {
  return {
    biasAdd: (x, bias) =>
      elementwise(x.shape, (index) => {
        const [value, shift] = [at(x.data, index), at(bias.data, index % bias.data.length)];
        return [value + shift, Math.abs(value) + Math.abs(shift)];
      }),
    biasGradient: (dy) => sumChannels(dy.shape, (index) => [at(dy.data, index), Math.abs(at(dy.data, index))]),
    relu: (x, maxValue) =>
      elementwise(x.shape, (index) => [
        Math.min(Math.max(at(x.data, index), 0), maxValue ?? Number.POSITIVE_INFINITY),
        0,
      ]),
    reluGradient: (dy, y, maxValue) =>
      elementwise(dy.shape, (index) => {
        const passes = at(y.data, index) > 0 && at(y.data, index) < (maxValue ?? Number.POSITIVE_INFINITY);
        return [passes ? at(dy.data, index) : 0, 0];
      }),
    zeroPad(x, padding) {
      const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
      const [[top, bottom], [left, right]] = padding;
      const shape = [batch, height + top + bottom, width + left + right, channels];
      return elementwise(shape, (index) => {
        const inside = insidePadding(shape, index, padding);
        return [inside < 0 ? 0 : at(x.data, inside), 0];
      });
    },
    zeroPadGradient(dy, padding) {
      const [batch = 0, height = 0, width = 0, channels = 0] = dy.shape;
      const [[top, bottom], [left, right]] = padding;
      const dx = float64Zeros([batch, height - top - bottom, width - left - right, channels], 1);
      for (let index = 0; index < dy.data.length; index++) {
        const inside = insidePadding(dy.shape, index, padding);
        if (inside >= 0) dx.data[inside] = at(dy.data, index);
      }
      return dx;
    },
    add: (a, b) =>
      elementwise(a.shape, (index) => [
        at(a.data, index) + at(b.data, index),
        Math.abs(at(a.data, index)) + Math.abs(at(b.data, index)),
      ]),
    multiply: (a, b) =>
      elementwise(a.shape, (index) => {
        const value = at(a.data, index) * at(b.data, index);
        return [value, Math.abs(value)];
      }),
    globalAveragePool(x) {
      const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
      const pixels = height * width;
      const y = float64Zeros([batch, channels], pixels);
      for (let index = 0; index < x.data.length; index++) {
        const image = Math.floor(index / (pixels * channels));
        accumulate(y, image * channels + (index % channels), at(x.data, index) / pixels);
      }
      return y;
    },
    globalAveragePoolGradient(dy, inputShape) {
      const [, height = 0, width = 0, channels = 0] = inputShape;
      return elementwise(inputShape, (index) => {
        const image = Math.floor(index / (height * width * channels));
        const value = at(dy.data, image * channels + (index % channels)) / (height * width);
        return [value, Math.abs(value)];
      });
    },
  };
}

function head(): Pick<
  Kernels<Float64Tensor>,
  "dense" | "denseInputGradient" | "denseKernelGradient" | "softmaxCrossEntropy" | "softmaxCrossEntropyGradient"
> {
  const matrix = (tensor: Float64Tensor): readonly [number, number] => [tensor.shape[0] ?? 0, tensor.shape[1] ?? 0];

  return {
    dense(x, kernel, bias) {
      const [[rows, inner], [, columns]] = [matrix(x), matrix(kernel)];
      const y = product(
        [rows, inner, columns],
        (row, k) => at(x.data, row * inner + k),
        (k, column) => at(kernel.data, k * columns + column),
      );
      for (let index = 0; index < y.data.length; index++) accumulate(y, index, at(bias.data, index % columns));
      return { ...y, terms: inner + 1 };
    },
    denseInputGradient(dy, kernel) {
      const [[rows, units], [inputs]] = [matrix(dy), matrix(kernel)];
      return product(
        [rows, units, inputs],
        (row, k) => at(dy.data, row * units + k),
        (k, column) => at(kernel.data, column * units + k),
      );
    },
    denseKernelGradient(x, dy) {
      const [[rows, inputs], [, units]] = [matrix(x), matrix(dy)];
      return product(
        [inputs, rows, units],
        (row, k) => at(x.data, k * inputs + row),
        (k, column) => at(dy.data, k * units + column),
      );
    },
    softmaxCrossEntropy(logits, labels) {
      const [batch, classes] = matrix(logits);
      const probabilities = float64Zeros([batch, classes], classes);
      const losses = float64Zeros([batch], classes);
      for (let row = 0; row < batch; row++) {
        const values = logits.data.subarray(row * classes, (row + 1) * classes);
        const largest = Math.max(...values);
        const sum = values.reduce((total, value) => total + Math.exp(value - largest), 0);
        // exp(s) is off by a multiple of (2 + |s|) roundings, WGSL's bound; the sum by their mean under softmax.
        const condition = (value: number): number => 2 + Math.abs(value - largest);
        const sumCondition = values.reduce((total, v) => total + (Math.exp(v - largest) / sum) * condition(v), 0);
        for (const [column, value] of values.entries()) {
          const probability = Math.exp(value - largest) / sum;
          probabilities.data[row * classes + column] = probability;
          probabilities.scale[row * classes + column] = probability * (condition(value) + sumCondition);
        }
        const picked = at(values, at(labels.data, row)) - largest;
        losses.data[row] = Math.log(sum) - picked;
        losses.scale[row] = 1 + sumCondition + Math.log(sum) + Math.abs(picked);
      }
      return { probabilities, losses };
    },
    softmaxCrossEntropyGradient(probabilities, labels) {
      const [batch, classes] = matrix(probabilities);
      return elementwise(probabilities.shape, (index) => {
        const target = at(labels.data, Math.floor(index / classes)) === index % classes ? 1 : 0;
        const value = at(probabilities.data, index);
        return [(value - target) / batch, (Math.abs(value) + target) / batch];
      });
    },
  };
}

/** Adds every tensor in a kernel's result to the books. */
function register(live: Set<unknown>, result: unknown): void {
  if (result === null || typeof result !== "object" || ArrayBuffer.isView(result)) return;
  if ("data" in result && "scale" in result) live.add(result);
  else for (const part of Object.values(result)) register(live, part);
}

/**
 * The kernel set in float64: plain loops, independent of tfjs, slow. The reference of rung L1, where each result's
 * `scale` and `terms` say what error a float32 implementation may make; also an engine that runs a small network.
 */
export function float64Kernels(): Kernels<Float64Tensor> {
  const live = new Set<Float64Tensor>();
  const dispose = (tensor: Float64Tensor): void => {
    live.delete(tensor);
  };
  const plain = { ...float64Convolutions(), ...float64BatchNorm(), ...layers(), ...float64ImageOps() };
  const computing = {
    ...plain,
    ...float64Fused(plain),
    ...head(),
    ...float64Optimizers(dispose),
  };
  const counted = Object.fromEntries(
    Object.entries(computing).map(([name, kernel]) => [
      name,
      (...inputs: unknown[]): unknown => {
        const result: unknown = Reflect.apply(kernel, undefined, inputs);
        register(live, result);
        return result;
      },
    ]),
  ) as typeof computing;
  const kept = (tensor: Float64Tensor): Float64Tensor => {
    live.add(tensor);
    return tensor;
  };
  return {
    ...counted,
    upload: (data, shape) => kept(float64Tensor(shape, data)),
    uploadLabels: (labels) => kept(float64Tensor([labels.length], labels)),
    download: async (tensor) => Float32Array.from(tensor.data),
    uploadExact: (data, shape) => kept(float64Tensor(shape, data)),
    downloadExact: async (tensor) => tensor.data.slice(),
    dispose,
    memory: () => ({ tensors: live.size, bytes: [...live].reduce((sum, tensor) => sum + tensor.data.byteLength, 0) }),
  };
}

import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
// tfjs-core alone knows no gradients; the umbrella package registers them so.
import "@tensorflow/tfjs-core/dist/register_all_gradients.js";
import { describe, expect, it } from "vitest";
import type { Kernels } from "../src/kernels/kernels.ts";
import { tfjsKernels } from "../src/kernels/tfjs-kernels.ts";
import type { Padding } from "../src/model/layer.ts";

async function onCpu(): Promise<Kernels<tf.Tensor>> {
  await tf.setBackend("cpu");
  return tfjsKernels(tf);
}

/** Gradients of Σ f(inputs) · dy by tfjs's own autodiff: a second opinion beside float64. */
function autodiff(f: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[], dy: tf.Tensor): tf.Tensor[] {
  return tf.grads((...given: tf.Tensor[]) => f(...given))(inputs, dy);
}

function uniform(shape: number[], seed: number): tf.Tensor {
  return tf.randomUniform(shape, -1, 1, "float32", seed);
}

async function expectClose(found: tf.Tensor | undefined, expected: tf.Tensor | undefined): Promise<void> {
  if (found === undefined || expected === undefined) throw new Error("a gradient is missing");
  expect(found.shape).toEqual(expected.shape);
  const [a, b] = [await found.data<"float32">(), await expected.data<"float32">()];
  const largest = b.reduce((max, value) => Math.max(max, Math.abs(value)), 1);
  const worst = a.reduce((max, value, index) => Math.max(max, Math.abs(value - (b[index] ?? Number.NaN))), 0);
  expect(largest).toBeGreaterThan(0);
  expect(worst / largest).toBeLessThan(2e-6);
}

const SAME: Padding = [
  [1, 1],
  [1, 1],
];
const VALID: Padding = [
  [0, 0],
  [0, 0],
];
const BOTH = { input: true, weights: true };
const EPSILON = 1e-3;

/** The window as tfjs's own convolution takes it. */
const explicitly = ([rows, columns]: Padding): [[0, 0], [number, number], [number, number], [0, 0]] => [
  [0, 0],
  [rows[0], rows[1]],
  [columns[0], columns[1]],
  [0, 0],
];

describe("gradients against tfjs's autodiff", () => {
  const windows = [
    { strides: 1, padding: SAME },
    { strides: 2, padding: SAME },
    { strides: 2, padding: VALID },
  ];

  for (const window of windows) {
    const pad = explicitly(window.padding);
    it(`conv2d, stride ${window.strides}, padding ${JSON.stringify(window.padding)}`, async () => {
      const kernels = await onCpu();
      const [x, kernel] = [uniform([2, 7, 7, 3], 1), uniform([3, 3, 3, 4], 2)];
      const dy = uniform(kernels.conv2d(x, kernel, window).shape, 3);
      const convolve = (a: tf.Tensor, k: tf.Tensor): tf.Tensor =>
        tf.conv2d(a as tf.Tensor4D, k as tf.Tensor4D, window.strides, pad);
      const [dx, dKernel] = autodiff(convolve, [x, kernel], dy);
      await expectClose(kernels.conv2dInputGradient(dy, kernel, x.shape, window), dx);
      await expectClose(kernels.conv2dKernelGradient(x, dy, kernel.shape, window), dKernel);
    });

    it(`depthwiseConv2d, stride ${window.strides}, padding ${JSON.stringify(window.padding)}`, async () => {
      const kernels = await onCpu();
      const [x, kernel] = [uniform([2, 7, 7, 3], 4), uniform([3, 3, 3, 1], 5)];
      const dy = uniform(kernels.depthwiseConv2d(x, kernel, window).shape, 6);
      const convolve = (a: tf.Tensor, k: tf.Tensor): tf.Tensor =>
        tf.depthwiseConv2d(a as tf.Tensor4D, k as tf.Tensor4D, window.strides, pad);
      const [dx, dKernel] = autodiff(convolve, [x, kernel], dy);
      await expectClose(kernels.depthwiseConv2dInputGradient(dy, kernel, x.shape, window), dx);
      await expectClose(kernels.depthwiseConv2dKernelGradient(x, dy, kernel.shape, window), dKernel);
    });
  }

  it("conv2d with a 1x1 kernel", async () => {
    const kernels = await onCpu();
    const window = { strides: 1, padding: VALID };
    const [x, kernel, dy] = [uniform([2, 5, 4, 3], 4), uniform([1, 1, 3, 6], 5), uniform([2, 5, 4, 6], 6)];
    const convolve = (a: tf.Tensor, k: tf.Tensor): tf.Tensor =>
      tf.conv2d(a as tf.Tensor4D, k as tf.Tensor4D, 1, "valid");
    const [dx, dKernel] = autodiff(convolve, [x, kernel], dy);
    await expectClose(kernels.conv2dInputGradient(dy, kernel, x.shape, window), dx);
    await expectClose(kernels.conv2dKernelGradient(x, dy, kernel.shape, window), dKernel);
  });

  it("batchNormTrain", async () => {
    const kernels = await onCpu();
    const [x, gamma, beta] = [uniform([3, 5, 4, 6], 7), uniform([6], 8), uniform([6], 9)];
    const dy = uniform(x.shape, 10);
    const normalise = (a: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor): tf.Tensor => {
      const { mean, variance } = tf.moments(a, [0, 1, 2]);
      return tf.add(tf.mul(tf.div(tf.sub(a, mean), tf.sqrt(tf.add(variance, EPSILON))), scale), offset);
    };
    const [dx, dGamma, dBeta] = autodiff(normalise, [x, gamma, beta], dy);
    const trained = kernels.batchNormTrain(x, gamma, beta, EPSILON);
    const found = kernels.batchNormTrainGradient(dy, x, gamma, trained, EPSILON, BOTH);
    await expectClose(found.dx, dx);
    await expectClose(found.dGamma, dGamma);
    await expectClose(found.dBeta, dBeta);
  });

  it("batchNormInference", async () => {
    const kernels = await onCpu();
    const [x, gamma, beta, mean] = [uniform([3, 5, 4, 6], 11), uniform([6], 12), uniform([6], 13), uniform([6], 14)];
    const variance = tf.abs(uniform([6], 15));
    const dy = uniform(x.shape, 16);
    const normalise = (a: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor): tf.Tensor =>
      tf.batchNorm(
        a,
        mean as tf.Tensor1D,
        variance as tf.Tensor1D,
        offset as tf.Tensor1D,
        scale as tf.Tensor1D,
        EPSILON,
      );
    const [dx, dGamma, dBeta] = autodiff(normalise, [x, gamma, beta], dy);
    const found = kernels.batchNormInferenceGradient(dy, x, gamma, mean, variance, EPSILON, BOTH);
    await expectClose(found.dx, dx);
    await expectClose(found.dGamma, dGamma);
    await expectClose(found.dBeta, dBeta);
  });

  for (const maxValue of [6, null, 1]) {
    it(`relu with the limit ${maxValue}`, async () => {
      const kernels = await onCpu();
      const [x, dy] = [tf.mul(uniform([2, 5, 4, 3], 17), 9), uniform([2, 5, 4, 3], 18)];
      const activate = (a: tf.Tensor): tf.Tensor => (maxValue === null ? tf.relu(a) : tf.clipByValue(a, 0, maxValue));
      const [dx] = autodiff(activate, [x], dy);
      await expectClose(kernels.reluGradient(dy, kernels.relu(x, maxValue), maxValue), dx);
    });
  }

  it("zeroPad, biasAdd and globalAveragePool", async () => {
    const kernels = await onCpu();
    const [x, bias] = [uniform([2, 5, 4, 3], 19), uniform([3], 20)];
    const padding: Padding = [
      [2, 0],
      [1, 3],
    ];
    const padded = uniform([2, 7, 8, 3], 21);
    const [dPadded] = autodiff((a) => tf.pad(a, explicitly(padding)), [x], padded);
    await expectClose(kernels.zeroPadGradient(padded, padding), dPadded);
    const [, dBias] = autodiff((a, b) => tf.add(a, b), [x, bias], x);
    await expectClose(kernels.biasGradient(x), dBias);
    const pooled = uniform([2, 3], 22);
    const [dPooled] = autodiff((a) => tf.mean(a, [1, 2]), [x], pooled);
    await expectClose(kernels.globalAveragePoolGradient(pooled, x.shape), dPooled);
  });

  it("dense and softmax cross-entropy", async () => {
    const kernels = await onCpu();
    const [x, kernel, dy] = [uniform([4, 5], 23), uniform([5, 3], 24), uniform([4, 3], 25)];
    const [dx, dKernel] = autodiff((a, k) => tf.matMul(a, k), [x, kernel], dy);
    await expectClose(kernels.denseInputGradient(dy, kernel), dx);
    await expectClose(kernels.denseKernelGradient(x, dy), dKernel);

    const [logits, labels] = [tf.mul(uniform([4, 3], 26), 4), kernels.uploadLabels(Int32Array.of(0, 2, 1, 2))];
    const oneHot = tf.cast(tf.oneHot(labels, 3), "float32");
    const meanLoss = (a: tf.Tensor): tf.Tensor => tf.mean(tf.neg(tf.sum(tf.mul(tf.logSoftmax(a), oneHot), -1)));
    const [dLogits] = autodiff(meanLoss, [logits], tf.scalar(1));
    const { probabilities } = kernels.softmaxCrossEntropy(logits, labels);
    await expectClose(kernels.softmaxCrossEntropyGradient(probabilities, labels), dLogits);
  });
});

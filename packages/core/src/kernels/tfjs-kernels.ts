import type { Tensor, Tensor4D } from "@tensorflow/tfjs-core";
import type { Kernels } from "./kernels.ts";
import { batchNormKernels, sumPerChannel } from "./tfjs-batch-norm.ts";
import { convolutionKernels } from "./tfjs-convolution.ts";
import { imageOpKernels } from "./tfjs-image-ops.ts";
import { maxPoolKernels } from "./tfjs-max-pool.ts";
import { optimizerKernels } from "./tfjs-optimizer.ts";
import { paddingKernels } from "./tfjs-padding.ts";

/** The engine, handed in by the runner: core never imports one. */
export type Tfjs = typeof import("@tensorflow/tfjs-core");

/** Softmax cross-entropy on any tfjs backend. */
function lossKernels(tf: Tfjs): Pick<Kernels<Tensor>, "softmaxCrossEntropy" | "softmaxCrossEntropyGradient"> {
  /** float32 `[batch, classes]`. Not by `tf.oneHot`: it wants two classes, and on wasm a float32 one has integer bits. */
  const oneHot = (labels: Tensor, classes: number): Tensor =>
    tf.cast(tf.equal(tf.expandDims(labels, 1), tf.range(0, classes, 1, "int32")), "float32");

  return {
    softmaxCrossEntropy(logits, labels) {
      return tf.tidy(() => {
        // The largest logit becomes 0, so that no exponential overflows and the sum is at least 1.
        const shifted = tf.sub(logits, tf.max(logits, -1, true));
        const exponentials = tf.exp(shifted);
        const sums = tf.sum(exponentials, -1, true);
        const picked = tf.sum(tf.mul(shifted, oneHot(labels, logits.shape.at(-1) ?? 1)), -1);
        const losses = tf.sub(tf.log(tf.squeeze(sums, [-1])), picked);
        return { probabilities: tf.div(exponentials, sums), losses };
      });
    },
    softmaxCrossEntropyGradient: (probabilities, labels) =>
      tf.tidy(() => {
        const [batch = 1, classes = 1] = probabilities.shape;
        return tf.div(tf.sub(probabilities, oneHot(labels, classes)), batch);
      }),
  };
}

/** Activation, pooling and dense layers on any tfjs backend. */
function layerKernels(
  tf: Tfjs,
): Pick<
  Kernels<Tensor>,
  | "relu"
  | "reluGradient"
  | "globalAveragePool"
  | "globalAveragePoolGradient"
  | "dense"
  | "denseInputGradient"
  | "denseKernelGradient"
> {
  return {
    relu(x, maxValue) {
      if (maxValue === null) return tf.relu(x);
      return maxValue === 6 ? tf.relu6(x) : tf.clipByValue(x, 0, maxValue);
    },
    // By comparisons: `tf.sign` is 0 below 1.2e-7 on wasm, `tf.step` is six operations on tensorflow.
    reluGradient: (dy, y, maxValue) =>
      tf.tidy(() => {
        const positive = tf.greater(y, 0);
        const passes = maxValue === null ? positive : tf.logicalAnd(positive, tf.less(y, maxValue));
        return tf.mul(dy, tf.cast(passes, "float32"));
      }),
    globalAveragePool: (x) =>
      tf.tidy(() => {
        const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
        const pixels = height * width;
        return tf.div(tf.sum(tf.reshape(x, [batch, pixels, channels]), 1), pixels);
      }),
    globalAveragePoolGradient: (dy, inputShape) =>
      tf.tidy(() => {
        const [batch = 0, height = 0, width = 0, channels = 0] = inputShape;
        const share = tf.reshape(tf.div(dy, height * width), [batch, 1, 1, channels]) as Tensor4D;
        return tf.tile(share, [1, height, width, 1]);
      }),
    dense: (x, kernel, bias) => tf.tidy(() => tf.add(tf.matMul(x, kernel), bias)),
    denseInputGradient: (dy, kernel) => tf.matMul(dy, kernel, false, true),
    denseKernelGradient: (x, dy) => tf.matMul(x, dy, true, false),
  };
}

/**
 * The whole kernel set on any tfjs backend, composed of tfjs's own kernels.
 *
 * Works on the backend that is active when a kernel is called. Leaves no tensor behind but its results.
 * @param tf the tfjs-core module with its backend set
 */
export function tfjsKernels(tf: Tfjs): Kernels<Tensor> {
  return {
    // Copied, because tfjs keeps a reference to the array until the backend needs it (cpu: for good).
    upload: (data, shape) => tf.tensor(data.slice(), [...shape], "float32"),
    uploadLabels: (labels) => tf.tensor1d(labels.slice(), "int32"),
    download: async (tensor) => (await tensor.data<"float32">()).slice(),
    dispose: (tensor) => tensor.dispose(),
    memory() {
      const { numTensors, numBytes } = tf.memory();
      return { tensors: numTensors, bytes: numBytes };
    },
    ...convolutionKernels(tf),
    ...paddingKernels(tf),
    ...batchNormKernels(tf),
    ...layerKernels(tf),
    ...imageOpKernels(tf),
    ...maxPoolKernels(tf),
    ...lossKernels(tf),
    ...optimizerKernels(tf),
    biasAdd: (x, bias) => tf.add(x, bias),
    biasGradient: (dy) => tf.tidy(() => sumPerChannel(tf, dy)),
    add: (a, b) => tf.add(a, b),
    multiply: (a, b) => tf.mul(a, b),
  };
}

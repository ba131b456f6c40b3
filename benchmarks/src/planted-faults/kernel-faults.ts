import type { Tensor } from "@tensorflow/tfjs-core";
import type { Kernels, Window } from "@thaw/core";
import type { Healthy, KernelFault } from "./fault.ts";

type Set = Kernels<Tensor>;

/** The pads of the two sides swapped: what `SAME` at a stride of 2 does in frameworks that pad the other side first. */
function otherSide({ strides, padding: [[top, bottom], [left, right]] }: Window): Window {
  return {
    strides,
    padding: [
      [bottom, top],
      [right, left],
    ],
  };
}

function fault(
  name: string,
  kernel: KernelFault["kernel"],
  plant: (kernels: Set, tf: Healthy["tf"]) => Partial<Set>,
): KernelFault {
  return { name, rung: "L1", kernel, plant: ({ kernels, tf }) => ({ ...kernels, ...plant(kernels, tf) }) };
}

/** Adam with one formula changed. */
function adam(
  kernels: Set,
  tf: Healthy["tf"],
  step: (m: Tensor, v: Tensor, epsilon: number) => Tensor,
): Set["optimizerStep"] {
  return (update, weights, gradients, slots) => {
    const [m, v] = slots;
    if (update.type !== "adam" || m === undefined || v === undefined) {
      return kernels.optimizerStep(update, weights, gradients, slots);
    }
    const { beta1, beta2, epsilon, stepSize } = update;
    const flat = tf.tidy(() => tf.concat(gradients.map((gradient) => tf.reshape(gradient, [-1]))));
    const nextM = tf.tidy(() => tf.add(tf.mul(m, beta1), tf.mul(flat, 1 - beta1)));
    const nextV = tf.tidy(() => tf.add(tf.mul(v, beta2), tf.mul(tf.square(flat), 1 - beta2)));
    const change = tf.tidy(() => tf.mul(step(nextM, nextV, epsilon), stepSize));
    let from = 0;
    const next = weights.map((weight) => {
      const part = tf.tidy(() => tf.sub(weight, tf.reshape(tf.slice(change, from, weight.size), weight.shape)));
      from += weight.size;
      return part;
    });
    for (const tensor of [...weights, ...gradients, ...slots, flat, change]) kernels.dispose(tensor);
    return { weights: next, slots: [nextM, nextV] };
  };
}

/** Faults in single operations. */
export const KERNEL_FAULTS: readonly KernelFault[] = [
  fault("convolution pads the other side", "conv2d", (kernels) => ({
    conv2d: (x, kernel, window) => kernels.conv2d(x, kernel, otherSide(window)),
  })),
  fault("depthwise convolution pads the other side", "depthwiseConv2d", (kernels) => ({
    depthwiseConv2d: (x, kernel, window) => kernels.depthwiseConv2d(x, kernel, otherSide(window)),
  })),
  fault("ZeroPadding2D pads the other side", "zeroPad", (kernels) => ({
    zeroPad: (x, padding) => kernels.zeroPad(x, otherSide({ strides: 1, padding }).padding),
  })),
  fault("convolution in float16", "conv2d", (kernels, tf) => ({
    conv2d: (x, kernel, window) => {
      const rounded = tf.tidy(() => tf.div(tf.round(tf.mul(x, 1024)), 1024));
      const y = kernels.conv2d(rounded, kernel, window);
      kernels.dispose(rounded);
      return y;
    },
  })),
  fault("depthwise filter gradient with height and width swapped", "depthwiseConv2dKernelGradient", (kernels, tf) => ({
    depthwiseConv2dKernelGradient: (x, dy, shape, window) => {
      const gradient = kernels.depthwiseConv2dKernelGradient(x, dy, shape, window);
      const swapped = tf.transpose(gradient, [1, 0, 2, 3]);
      kernels.dispose(gradient);
      return swapped;
    },
  })),
  fault("batch normalization with epsilon 1e-5", "batchNormTrain", (kernels) => ({
    batchNormTrain: (x, gamma, beta) => kernels.batchNormTrain(x, gamma, beta, 1e-5),
  })),
  fault("batch normalization with epsilon outside of the root", "batchNormInference", (_, tf) => ({
    batchNormInference: (x, gamma, beta, mean, variance, epsilon) =>
      tf.tidy(() => tf.add(tf.mul(tf.div(tf.sub(x, mean), tf.add(tf.sqrt(variance), epsilon)), gamma), beta)),
  })),
  fault("Bessel-corrected batch variance", "batchNormTrain", (kernels, tf) => ({
    batchNormTrain: (x, gamma, beta, epsilon) => {
      const trained = kernels.batchNormTrain(x, gamma, beta, epsilon);
      const n = x.size / (x.shape.at(-1) ?? 1);
      const variance = tf.mul(trained.variance, n / Math.max(n - 1, 1));
      kernels.dispose(trained.variance);
      return { ...trained, variance };
    },
  })),
  fault("moving average with momentum and its rest swapped", "movingAverage", (kernels) => ({
    movingAverage: (moving, value, momentum) => kernels.movingAverage(moving, value, 1 - momentum),
  })),
  fault("ReLU in place of ReLU6", "relu", (kernels) => ({ relu: (x) => kernels.relu(x, null) })),
  fault("ReLU6 gradient passes above 6", "reluGradient", (kernels) => ({
    reluGradient: (dy, y) => kernels.reluGradient(dy, y, null),
  })),
  fault("average pooling divides by the height twice", "globalAveragePool", (kernels, tf) => ({
    globalAveragePool: (x) => {
      const y = kernels.globalAveragePool(x);
      const [, height = 1, width = 1] = x.shape;
      const wrong = tf.mul(y, width / height);
      kernels.dispose(y);
      return wrong;
    },
  })),
  fault("loss gradient summed over the batch, not averaged", "softmaxCrossEntropyGradient", (kernels, tf) => ({
    softmaxCrossEntropyGradient: (probabilities, labels) => {
      const gradient = kernels.softmaxCrossEntropyGradient(probabilities, labels);
      const sum = tf.mul(gradient, probabilities.shape[0] ?? 1);
      kernels.dispose(gradient);
      return sum;
    },
  })),
  fault("cross-entropy of probabilities clipped at 1e-7", "softmaxCrossEntropy", (kernels, tf) => ({
    softmaxCrossEntropy: (logits, labels) => {
      const { probabilities, losses } = kernels.softmaxCrossEntropy(logits, labels);
      const clipped = tf.minimum(losses, -Math.log(1e-7));
      kernels.dispose(losses);
      return { probabilities, losses: clipped };
    },
  })),
  fault("Adam with epsilon inside the root", "optimizerStep", (kernels, tf) => ({
    optimizerStep: adam(kernels, tf, (m, v, epsilon) => tf.div(m, tf.sqrt(tf.add(v, epsilon)))),
  })),
];

import type { Tensor, Tensor1D } from "@tensorflow/tfjs-core";
import type { BatchNormGradients, BatchNormKernel, GradientNeeds, Kernels } from "./kernels.ts";
import type { Tfjs } from "./tfjs-kernels.ts";

/** The divisor of a row count that is nearest to its root; 1 for primes. */
function blockOf(rows: number): number {
  for (let block = Math.floor(Math.sqrt(rows)); block > 1; block -= 1) if (rows % block === 0) return block;
  return 1;
}

/**
 * Sums over all axes but the last, `[channels]`. In blocks: one chain of additions over a photo's plain background is off
 * by up to half an ULP for every row (tfjs's wasm backend added so, and left Keras by it).
 */
export function sumPerChannel(tf: Tfjs, x: Tensor): Tensor {
  const channels = x.shape.at(-1) ?? 1;
  const rows = x.size / channels;
  const block = blockOf(rows);
  const inBlocks = tf.sum(tf.reshape(x, [rows / block, block, channels]), 1);
  return tf.sum(inBlocks, 0);
}

/** Batch normalization with closed-form gradients on any tfjs backend. */
export function batchNormKernels(tf: Tfjs): Pick<Kernels<Tensor>, BatchNormKernel> {
  /** Values behind one channel's statistics. */
  const countOf = (x: Tensor): number => x.size / (x.shape.at(-1) ?? 1);

  function normalise(
    x: Tensor,
    mean: Tensor,
    variance: Tensor,
    offset: Tensor | undefined,
    scale: Tensor,
    epsilon: number,
  ): Tensor {
    return tf.batchNorm(
      x,
      mean as Tensor1D,
      variance as Tensor1D,
      offset as Tensor1D | undefined,
      scale as Tensor1D,
      epsilon,
    );
  }

  /** Reciprocal of the standard deviation, `[channels]`. */
  const inverseDeviation = (variance: Tensor, epsilon: number): Tensor => tf.rsqrt(tf.add(variance, epsilon));

  function pick(
    needs: GradientNeeds,
    dx: () => Tensor,
    dGamma: () => Tensor,
    dBeta: () => Tensor,
  ): BatchNormGradients<Tensor> {
    return { ...(needs.input ? { dx: dx() } : {}), ...(needs.weights ? { dGamma: dGamma(), dBeta: dBeta() } : {}) };
  }

  return {
    batchNormTrain(x, gamma, beta, epsilon) {
      return tf.tidy(() => {
        const count = countOf(x);
        const mean = tf.div(sumPerChannel(tf, x), count);
        // Two passes: E[x²] - E[x]² loses every digit where the mean is large against the deviation.
        const variance = tf.div(sumPerChannel(tf, tf.squaredDifference(x, mean)), count);
        return { y: normalise(x, mean, variance, beta, gamma, epsilon), mean, variance, saved: [] as Tensor[] };
      });
    },

    batchNormTrainGradient(dy, x, gamma, { mean, variance }, epsilon, needs) {
      return tf.tidy(() => {
        const count = countOf(x);
        const inverse = inverseDeviation(variance, epsilon);
        const centered = tf.sub(x, mean);
        const dBeta = sumPerChannel(tf, dy);
        const dGamma = tf.mul(sumPerChannel(tf, tf.mul(dy, centered)), inverse);
        // dx = gamma/σ · (dy - dBeta/n - (x - mean)/σ · dGamma/n): the last subtraction and scaling are an affine map
        // per channel, which the normalisation kernel does in one pass.
        const dx = (): Tensor => {
          const slope = tf.div(tf.mul(tf.neg(inverse), dGamma), count);
          return normalise(
            tf.add(dy, tf.mul(centered, slope)),
            tf.div(dBeta, count),
            variance,
            undefined,
            gamma,
            epsilon,
          );
        };
        return {
          ...pick(
            needs,
            dx,
            () => dGamma,
            () => dBeta,
          ),
        };
      });
    },

    batchNormInference: (x, gamma, beta, mean, variance, epsilon) =>
      tf.tidy(() => normalise(x, mean, variance, beta, gamma, epsilon)),

    batchNormInferenceGradient(dy, x, gamma, mean, variance, epsilon, needs) {
      return tf.tidy(() => {
        const inverse = inverseDeviation(variance, epsilon);
        const dx = (): Tensor => tf.mul(dy, tf.mul(gamma, inverse));
        const dGamma = (): Tensor => {
          if (x === undefined) throw new Error("batchNormInferenceGradient: x is needed for the gradient of gamma");
          return tf.mul(sumPerChannel(tf, tf.mul(dy, tf.sub(x, mean))), inverse);
        };
        return { ...pick(needs, dx, dGamma, () => sumPerChannel(tf, dy)) };
      });
    },

    movingAverage: (moving, value, momentum) =>
      tf.tidy(() => tf.add(tf.mul(moving, momentum), tf.mul(value, 1 - momentum))),
  };
}

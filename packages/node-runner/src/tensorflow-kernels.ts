import type { Tensor } from "@tensorflow/tfjs-core";
import {
  isPointwise,
  type KernelName,
  type Kernels,
  nativeWindow,
  type Tfjs,
  tfjsKernels,
  type Window,
  withoutKernels,
} from "@thaw/core";
import { type EagerAttributes, type EagerBackend, type EagerOps, eagerOps } from "./eager-ops.ts";
import { fusedKernels } from "./fused-kernels.ts";

/** Which overrides to leave out, to compare a fused kernel with its plain form. */
export interface TensorflowKernelOptions {
  /** Names of kernels that stay as {@link tfjsKernels} has them; `all` for every one. */
  readonly plain?: readonly KernelName[] | "all";
  /** Whether Thaw's own kernels were loaded and are wanted. */
  readonly own?: boolean;
}

const NHWC = { data_format: "NHWC" } as const;

/** `[..., channels]` as the rank 4 that fused batch normalization wants. */
function asImage(tf: Tfjs, x: Tensor): Tensor {
  return x.rank === 4 ? x : tf.reshape(x, [-1, 1, 1, x.shape.at(-1) ?? 1]);
}

/** Undoes {@link asImage}. */
function shapedAs(tf: Tfjs, result: Tensor, x: Tensor): Tensor {
  return x.rank === 4 ? result : tf.reshape(result, x.shape);
}

/** Batch normalization as one TensorFlow kernel for each direction. */
function fusedBatchNorm(
  tf: Tfjs,
  backend: EagerBackend,
  ops: EagerOps,
  plain: Kernels<Tensor>,
): Partial<Kernels<Tensor>> {
  const attributes = (epsilon: number, isTraining: boolean): EagerAttributes => ({
    bools: { is_training: isTraining },
    floats: { epsilon },
    strings: NHWC,
    types: { T: "float32", U: "float32" },
  });

  return {
    batchNormTrain(x, gamma, beta, epsilon) {
      return tf.tidy(() => {
        const empty = tf.tensor1d([], "float32");
        const outputs = ops.many(
          "FusedBatchNormV3",
          [asImage(tf, x), gamma, beta, empty, empty],
          6,
          attributes(epsilon, true),
        );
        const [y, mean, unbiased, ...saved] = outputs as [Tensor, Tensor, Tensor, ...Tensor[]];
        // TensorFlow hands out the running variance with Bessel's correction, Keras 3 averages the biased one.
        const count = x.size / (x.shape.at(-1) ?? 1);
        const variance = tf.mul(unbiased, count > 1 ? (count - 1) / count : 1);
        return { y: shapedAs(tf, y, x), mean, variance, saved };
      });
    },

    batchNormTrainGradient(dy, x, gamma, { mean, variance, saved }, epsilon, needs) {
      return tf.tidy(() => {
        // A plain forward kernel saves nothing: the CPU kernel wants mean and variance, cuDNN mean and 1/deviation.
        const spread = (): Tensor => (backend.isUsingGpuDevice ? tf.rsqrt(tf.add(variance, epsilon)) : variance);
        const reserves = saved.length === 3 ? saved : [mean, spread(), tf.tensor1d([], "float32")];
        const inputs = [asImage(tf, dy), asImage(tf, x), gamma, ...reserves];
        const outputs = ops.many("FusedBatchNormGradV3", inputs, 5, attributes(epsilon, true));
        const [dx, dGamma, dBeta] = outputs as [Tensor, Tensor, Tensor, ...Tensor[]];
        return { ...(needs.input ? { dx: shapedAs(tf, dx, x) } : {}), ...(needs.weights ? { dGamma, dBeta } : {}) };
      });
    },

    batchNormInference(x, gamma, beta, mean, variance, epsilon) {
      return tf.tidy(() => {
        const inputs = [asImage(tf, x), gamma, beta, mean, variance];
        const [y] = ops.many("FusedBatchNormV3", inputs, 6, attributes(epsilon, false)) as [Tensor, ...Tensor[]];
        return shapedAs(tf, y, x);
      });
    },

    batchNormInferenceGradient(dy, x, gamma, mean, variance, epsilon, needs) {
      // Without weight gradients the plain kernel is a single product.
      if (!needs.weights || x === undefined) {
        return plain.batchNormInferenceGradient(dy, x, gamma, mean, variance, epsilon, needs);
      }
      return tf.tidy(() => {
        const inputs = [asImage(tf, dy), asImage(tf, x), gamma, mean, variance, tf.tensor1d([], "float32")];
        const outputs = ops.many("FusedBatchNormGradV3", inputs, 5, attributes(epsilon, false));
        const [dx, dGamma, dBeta] = outputs as [Tensor, Tensor, Tensor, ...Tensor[]];
        return { ...(needs.input ? { dx: shapedAs(tf, dx, x) } : {}), dGamma, dBeta };
      });
    },
  };
}

/**
 * Convolutions with their padding as an attribute, where {@link tfjsKernels} has to write the zeros out: up to twice as
 * fast. Not the input gradients, which TensorFlow computes on a path half as fast where the padding is explicit.
 */
function paddedConvolutions(tf: Tfjs, ops: EagerOps, plain: Kernels<Tensor>): Partial<Kernels<Tensor>> {
  function attributes(inputShape: readonly number[], kernelShape: readonly number[], window: Window): EagerAttributes {
    const { pad, explicit } = nativeWindow(inputShape, kernelShape, window);
    const strides = [1, window.strides, window.strides, 1];
    const padding = explicit === undefined ? pad.toUpperCase() : "EXPLICIT";
    const zeros = explicit === undefined ? {} : { explicit_paddings: [0, 0, ...explicit[0], ...explicit[1], 0, 0] };
    return { ints: { strides, dilations: [1, 1, 1, 1], ...zeros }, strings: { padding, ...NHWC } };
  }
  const sizes = (shape: readonly number[]): Tensor => tf.tensor1d([...shape], "int32");

  const kernelGradient =
    (name: string): Kernels<Tensor>["conv2dKernelGradient"] =>
    (x, dy, kernelShape, window) =>
      tf.tidy(() => ops.one(name, [x, sizes(kernelShape), dy], attributes(x.shape, kernelShape, window)));

  const spatialKernelGradient = kernelGradient("Conv2DBackpropFilter");
  return {
    conv2d: (x, kernel, window) => ops.one("Conv2D", [x, kernel], attributes(x.shape, kernel.shape, window)),
    conv2dKernelGradient: (x, dy, kernelShape, window) =>
      (isPointwise(kernelShape, window) ? plain.conv2dKernelGradient : spatialKernelGradient)(
        x,
        dy,
        kernelShape,
        window,
      ),
    depthwiseConv2d: (x, kernel, window) =>
      ops.one("DepthwiseConv2dNative", [x, kernel], attributes(x.shape, kernel.shape, window)),
    depthwiseConv2dKernelGradient: kernelGradient("DepthwiseConv2dNativeBackpropFilter"),
  };
}

/** Element-wise kernels and the loss, one TensorFlow op each. */
function fusedElementwise(tf: Tfjs, ops: EagerOps, plain: Kernels<Tensor>): Partial<Kernels<Tensor>> {
  return {
    reluGradient(dy, y, maxValue) {
      if (maxValue === null) return ops.one("ReluGrad", [dy, y]);
      return maxValue === 6 ? ops.one("Relu6Grad", [dy, y]) : plain.reluGradient(dy, y, maxValue);
    },
    maxPoolGradient(dy, x, y, poolSize, window) {
      const { pad } = nativeWindow(x.shape, poolSize, window);
      const attributes = { filterSize: [...poolSize], strides: window.strides, pad };
      return tf.tidy(() => tf.engine().runKernel<Tensor>("MaxPoolGrad", { dy, input: x, output: y }, attributes));
    },
    biasAdd: (x, bias) => ops.one("BiasAdd", [x, bias], { strings: NHWC }),
    biasGradient: (dy) => ops.one("BiasAddGrad", [dy], { strings: NHWC }),
    softmaxCrossEntropy(logits, labels) {
      return tf.tidy(() => {
        const types = { T: "float32", Tlabels: "int32" } as const;
        const outputs = ops.many("SparseSoftmaxCrossEntropyWithLogits", [logits, labels], 2, { types });
        return { probabilities: ops.one("Softmax", [logits]), losses: outputs[0] as Tensor };
      });
    },
  };
}

/**
 * The kernel set on libtensorflow: {@link tfjsKernels}, with TensorFlow's own fused ops where it has them,
 * and on a processor with kernels of our own.
 * @param tf the tfjs-core module with the `tensorflow` backend set
 * @param backend tfjs-node's kernel backend
 */
export function tensorflowKernels(
  tf: Tfjs,
  backend: EagerBackend,
  options: TensorflowKernelOptions = {},
): Kernels<Tensor> {
  const plain = tfjsKernels(tf);
  if (options.plain === "all") return plain;
  const ops = eagerOps(backend);
  const overrides: Partial<Kernels<Tensor>> = {
    ...fusedBatchNorm(tf, backend, ops, plain),
    ...paddedConvolutions(tf, ops, plain),
    ...fusedElementwise(tf, ops, plain),
  };
  if (options.own === true) Object.assign(overrides, fusedKernels(tf, ops, { ...plain, ...overrides }));
  return { ...plain, ...withoutKernels(overrides, options.plain ?? []) };
}

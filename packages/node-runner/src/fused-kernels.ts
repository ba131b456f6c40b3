import type { Tensor } from "@tensorflow/tfjs-core";
import type {
  BatchNormGradients,
  BatchNormTrained,
  FixedNorm,
  FollowingRelu,
  GradientNeeds,
  Kernels,
  Tfjs,
  Window,
} from "@thaw/core";
import { isPointwise } from "@thaw/core";
import type { EagerOps } from "./eager-ops.ts";
import { attributes, reluAttributes, wantedOf } from "./operation-attributes.ts";
import { smallKernels } from "./small-kernels.ts";

function windowAttribute({ strides, padding }: Window): readonly number[] {
  return [strides, ...padding[0], ...padding[1]];
}

/** The four inputs of a normalization; empty where there is none. */
function normInputs(norm: FixedNorm<Tensor> | undefined, empty: Tensor): readonly Tensor[] {
  return norm === undefined ? [empty, empty, empty, empty] : [norm.gamma, norm.beta, norm.mean, norm.variance];
}

/** Convolutions that read through normalizations, and their gradients. */
function convBlocks(ops: EagerOps, empty: Tensor): Partial<Kernels<Tensor>> {
  const statistics =
    (depthwise: boolean): NonNullable<Kernels<Tensor>["conv2dStatistics"]> =>
    ({ x, norm }, kernel, window) => {
      const given = attributes(reluAttributes(norm?.relu?.maxValue), {
        bools: { depthwise },
        floats: { epsilon: norm?.epsilon ?? 0 },
        ints: { window: windowAttribute(window) },
      });
      const inputs = [x, ...normInputs(norm, empty), kernel];
      const [y, mean, variance] = ops.many("ThawConv2DStatistics", inputs, 3, given) as [Tensor, Tensor, Tensor];
      return { y, mean, variance };
    };

  const gradients =
    (depthwise: boolean): NonNullable<Kernels<Tensor>["conv2dGradients"]> =>
    ({ dy, behind }, { x = empty, norm }, kernel, inputShape, window, needs) => {
      const above = reluAttributes(behind?.norm.relu?.maxValue);
      const given = attributes(reluAttributes(norm?.relu?.maxValue), {
        bools: { depthwise, relu_behind: above.bools.relu, needs_input: needs.input, needs_weights: needs.weights },
        floats: {
          epsilon: norm?.epsilon ?? 0,
          epsilon_behind: behind?.norm.epsilon ?? 0,
          max_value_behind: above.floats.max_value,
        },
        ints: { window: windowAttribute(window), input_shape: [...inputShape] },
      });
      const inputs = [
        dy,
        behind?.y ?? empty,
        ...normInputs(behind?.norm, empty),
        behind?.dGamma ?? empty,
        behind?.dBeta ?? empty,
        x,
        ...normInputs(norm, empty),
        kernel,
      ];
      const results = ops.many("ThawConv2DGradients", inputs, 4, given);
      const sums = needs.input && norm !== undefined;
      return wantedOf(results, { dx: needs.input, dKernel: needs.weights, dGamma: sums, dBeta: sums });
    };

  return {
    conv2dStatistics: statistics(false),
    depthwiseConv2dStatistics: statistics(true),
    conv2dGradients: gradients(false),
    depthwiseConv2dGradients: gradients(true),
  };
}

function convolutions(ops: EagerOps, empty: Tensor, plain: Kernels<Tensor>): Partial<Kernels<Tensor>> {
  const forward =
    (name: string) =>
    (x: Tensor, kernel: Tensor, norm: FixedNorm<Tensor> | undefined, window: Window, relu?: FollowingRelu): Tensor => {
      const given = { ints: { window: windowAttribute(window) }, floats: { epsilon: norm?.epsilon ?? 0 } };
      const inputs = [x, kernel, ...normInputs(norm, empty)];
      return ops.one(name, inputs, attributes(reluAttributes(relu?.maxValue), given));
    };
  const conv2d = forward("ThawConv2D");
  const depthwise = forward("ThawDepthwiseConv2D");
  const kernelGradient =
    (name: string): Kernels<Tensor>["conv2dKernelGradient"] =>
    (x, dy, kernelShape, window) =>
      ops.one(name, [x, dy], attributes({ ints: { window: windowAttribute(window), kernel_shape: [...kernelShape] } }));
  return {
    conv2dNormalised: conv2d,
    depthwiseConv2dNormalised: depthwise,
    conv2d: (x, kernel, window) => conv2d(x, kernel, undefined, window),
    conv2dInputGradient: (dy, kernel, inputShape, window) =>
      isPointwise(kernel.shape, window)
        ? ops.one("ThawPointwiseInputGradient", [dy, kernel], attributes())
        : plain.conv2dInputGradient(dy, kernel, inputShape, window),
    conv2dKernelGradient: kernelGradient("ThawConv2DKernelGradient"),
    depthwiseConv2d: (x, kernel, window) => depthwise(x, kernel, undefined, window),
    depthwiseConv2dInputGradient: (dy, kernel, inputShape, window) =>
      ops.one(
        "ThawDepthwiseConv2DInputGradient",
        [dy, kernel],
        attributes({ ints: { window: windowAttribute(window), input_shape: [...inputShape] } }),
      ),
    depthwiseConv2dKernelGradient: kernelGradient("ThawDepthwiseConv2DKernelGradient"),
  };
}

function batchNorms(ops: EagerOps, empty: Tensor): Partial<Kernels<Tensor>> {
  function train(
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    epsilon: number,
    maxValue?: number | null,
  ): BatchNormTrained<Tensor> {
    const given = attributes(reluAttributes(maxValue), { floats: { epsilon } });
    const [y, mean, variance] = ops.many("ThawBatchNormTrain", [x, gamma, beta], 3, given) as [Tensor, Tensor, Tensor];
    return { y, mean, variance, saved: [] };
  }

  const gradientsOf = ({ input, weights }: GradientNeeds, results: readonly Tensor[]): BatchNormGradients<Tensor> =>
    wantedOf(results, { dx: input, dGamma: weights, dBeta: weights });

  const trainGradient = (
    inputs: Tensor[],
    epsilon: number,
    needs: GradientNeeds,
    maxValue?: number | null,
  ): BatchNormGradients<Tensor> => {
    const given = attributes(reluAttributes(maxValue), { floats: { epsilon }, bools: { needs_input: needs.input } });
    return gradientsOf(needs, ops.many("ThawBatchNormTrainGradient", inputs, 3, given));
  };

  const inference = (inputs: Tensor[], epsilon: number, maxValue?: number | null): Tensor =>
    ops.one("ThawBatchNormInference", inputs, attributes(reluAttributes(maxValue), { floats: { epsilon } }));

  const inferenceGradient = (
    inputs: Tensor[],
    epsilon: number,
    needs: GradientNeeds,
    maxValue?: number | null,
  ): BatchNormGradients<Tensor> => {
    const flags = { bools: { needs_input: needs.input, needs_weights: needs.weights }, floats: { epsilon } };
    const given = attributes(reluAttributes(maxValue), flags);
    return gradientsOf(needs, ops.many("ThawBatchNormInferenceGradient", inputs, 3, given));
  };

  return {
    batchNormTrain: (x, gamma, beta, epsilon) => train(x, gamma, beta, epsilon),
    batchNormTrainRelu: train,
    batchNormTrainGradient: (dy, x, gamma, { mean, variance }, epsilon, needs) =>
      trainGradient([dy, x, gamma, mean, mean, variance], epsilon, needs), // without a ReLU nobody reads beta
    batchNormTrainReluGradient: (dy, x, gamma, beta, { mean, variance }, epsilon, maxValue, needs) =>
      trainGradient([dy, x, gamma, beta, mean, variance], epsilon, needs, maxValue),
    batchNormInference: (x, gamma, beta, mean, variance, epsilon) =>
      inference([x, gamma, beta, mean, variance], epsilon),
    batchNormInferenceRelu: (x, gamma, beta, mean, variance, epsilon, maxValue) =>
      inference([x, gamma, beta, mean, variance], epsilon, maxValue),
    batchNormInferenceGradient: (dy, x, gamma, mean, variance, epsilon, needs) =>
      inferenceGradient([dy, empty, x ?? empty, gamma, mean, variance], epsilon, needs),
    batchNormInferenceReluGradient: (dy, y, x, gamma, mean, variance, epsilon, maxValue, needs) =>
      inferenceGradient([dy, y, x ?? empty, gamma, mean, variance], epsilon, needs, maxValue),
    movingStatistics(layers, momentum) {
      const given = { floats: { momentum, rest: 1 - momentum }, ints: { N: 2 * layers.length }, types: {} };
      const inputs = [...layers.flatMap(({ moving }) => moving), ...layers.flatMap(({ batch }) => batch)];
      const next = ops.many("ThawMovingStatistics", inputs, 2 * layers.length, given);
      return layers.map((_, index) => next.slice(2 * index, 2 * index + 2) as [Tensor, Tensor]);
    },
  };
}

function optimizer(tf: Tfjs, ops: EagerOps, plain: Kernels<Tensor>): Partial<Kernels<Tensor>> {
  return {
    optimizerStep(update, weights, gradients, slots) {
      if (update.type !== "adam") return plain.optimizerStep(update, weights, gradients, slots);
      const { stepSize, beta1, beta2, epsilon } = update;
      const numbers = tf.tensor1d([stepSize, 1 - beta1, 1 - beta2, epsilon]);
      const inputs = [numbers, ...slots, ...weights, ...gradients];
      const given = { ints: { N: weights.length }, types: {} };
      const [m, v, ...next] = ops.many("ThawAdam", inputs, 2 + weights.length, given) as [Tensor, Tensor, ...Tensor[]];
      for (const tensor of inputs) tensor.dispose();
      return { weights: next, slots: [m, v] };
    },
  };
}

/**
 * Kernels of our own, in C++ (packages/node-runner/native), as TensorFlow operations: they read and write
 * TensorFlow's tensors, on the CPU. What they compute does not depend on the number of threads.
 * @param ops runs operations by name, after the library was loaded
 * @param plain what stands in where there is no kernel of our own
 */
export function fusedKernels(tf: Tfjs, ops: EagerOps, plain: Kernels<Tensor>): Partial<Kernels<Tensor>> {
  const empty = tf.keep(tf.tensor1d([], "float32"));
  return {
    ...convolutions(ops, empty, plain),
    ...convBlocks(ops, empty),
    ...smallKernels(tf, ops),
    ...batchNorms(ops, empty),
    ...optimizer(tf, ops, plain),
  };
}

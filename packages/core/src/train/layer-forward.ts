import { ThawError } from "../error.ts";
import type { BatchNormTrained, DeviceTensor, FollowingRelu, Kernels } from "../kernels/kernels.ts";
import type { PassStep } from "../plan/pass.ts";
import { applyActivation } from "./activation.ts";
import type { Activations } from "./activations.ts";
import { runAffine } from "./affine.ts";
import { dropoutTensor } from "./dropout.ts";
import type { ForwardMode, PassContext } from "./forward.ts";
import type { Move } from "./moving-statistics.ts";
import { multiply } from "./product.ts";

/** Normalises with the ReLU in one kernel or without it. */
function normalise<T extends DeviceTensor>(
  { kernels, variables }: PassContext<T>,
  { layer, batchNormMode }: PassStep,
  x: T,
  training: boolean,
  relu: FollowingRelu | undefined,
): BatchNormTrained<T> | T {
  if (layer.op.type !== "BatchNormalization") throw new ThawError("internal", `"${layer.name}" is no BN.`);
  const { epsilon } = layer.op;
  const weight = (name: string): T => variables.get(`${layer.name}/${name}`);
  const [gamma, beta] = [weight("gamma"), weight("beta")];
  if (training && batchNormMode !== "inference") {
    if (relu === undefined) return kernels.batchNormTrain(x, gamma, beta, epsilon);
    if (kernels.batchNormTrainRelu) return kernels.batchNormTrainRelu(x, gamma, beta, epsilon, relu.maxValue);
  }
  const [mean, variance] = [weight("moving_mean"), weight("moving_variance")];
  if (relu === undefined) return kernels.batchNormInference(x, gamma, beta, mean, variance, epsilon);
  if (kernels.batchNormInferenceRelu) {
    return kernels.batchNormInferenceRelu(x, gamma, beta, mean, variance, epsilon, relu.maxValue);
  }
  throw new ThawError("internal", `There is no fused kernel for "${layer.name}".`);
}

/** Normalises, and in training keeps what the backward pass and the moving statistics need. */
export function batchNorm<T extends DeviceTensor>(
  context: PassContext<T>,
  index: number,
  x: T,
  activations: Activations<T>,
  mode: ForwardMode,
  moves: Move<T>[],
  relu?: FollowingRelu,
): T {
  const { kernels, steps } = context;
  const step = steps[index];
  if (step === undefined) throw new ThawError("internal", `There is no layer ${index}.`);
  const normalised = normalise(context, step, x, mode.training, relu);
  if (!("y" in normalised)) return normalised;
  const { y, mean, variance, saved } = normalised;
  const updates = mode.training && mode.updates;
  const keeps = updates && step.carriesGradient;
  if (updates) moves.push({ step, batch: [mean, variance], isLast: !keeps });
  if (keeps) activations.putExtras(index, [mean, variance, ...saved]);
  else for (const tensor of updates ? saved : [mean, variance, ...saved]) kernels.dispose(tensor);
  return y;
}

/** Whether the kernel set has the fused kernel that a batch normalization and its ReLU need in this mode. */
export function hasFusedForward<T extends DeviceTensor>(
  kernels: Kernels<T>,
  step: PassStep,
  mode: ForwardMode,
): boolean {
  const onBatch = mode.training && step.batchNormMode !== "inference";
  return (onBatch ? kernels.batchNormTrainRelu : kernels.batchNormInferenceRelu) !== undefined;
}

/** Runs one layer. */
export function runLayer<T extends DeviceTensor>(
  context: PassContext<T>,
  index: number,
  inputs: readonly T[],
  activations: Activations<T>,
  mode: ForwardMode,
  moves: Move<T>[] = [],
): T {
  const { kernels, steps, variables } = context;
  const step = steps[index];
  const [x, second] = inputs;
  if (step === undefined || x === undefined) throw new ThawError("internal", `Layer ${index} has no input.`);
  const { name, op } = step.layer;
  switch (op.type) {
    case "Conv2D":
    case "DepthwiseConv2D": {
      const kernel = variables.get(`${name}/kernel`);
      const y = op.type === "Conv2D" ? kernels.conv2d(x, kernel, op) : kernels.depthwiseConv2d(x, kernel, op);
      if (!op.useBias && op.activation === undefined) return y;
      const biased = op.useBias ? kernels.biasAdd(y, variables.get(`${name}/bias`)) : y;
      if (op.useBias) kernels.dispose(y);
      if (op.activation === undefined) return biased;
      const result = applyActivation(kernels, biased, op.activation);
      if (mode.training && mode.updates && step.carriesGradient) activations.putExtras(index, [biased]);
      else kernels.dispose(biased);
      return result;
    }
    case "BatchNormalization":
      return batchNorm(context, index, x, activations, mode, moves);
    case "Rescaling":
    case "Normalization":
      return runAffine(context, step, x);
    case "ReLU":
      return kernels.relu(x, op.maxValue);
    case "Activation":
      return applyActivation(kernels, x, op.activation);
    case "ZeroPadding2D":
      return kernels.zeroPad(x, op.padding);
    case "Add":
    case "Multiply":
      if (second === undefined) throw new ThawError("internal", `Layer "${name}" needs two inputs.`);
      return op.type === "Add" ? kernels.add(x, second) : multiply(kernels, x, second);
    case "MaxPooling2D":
      return kernels.maxPool(x, op.poolSize, op);
    case "GlobalAveragePooling2D": {
      const pooled = kernels.globalAveragePool(x);
      if (op.keepDims === undefined) return pooled;
      const kept = kernels.reshape(pooled, [x.shape[0] ?? 0, ...step.layer.outputShape]);
      kernels.dispose(pooled);
      return kept;
    }
    case "Reshape":
      return kernels.reshape(x, [x.shape[0] ?? 0, ...step.layer.outputShape]);
    case "Dense":
      return kernels.dense(x, variables.get(`${name}/kernel`), variables.get(`${name}/bias`));
    case "Dropout": {
      if (!mode.training || !step.dropsOut) return kernels.reshape(x, x.shape);
      const mask = dropoutTensor(kernels, x, op, (shape) => mode.dropoutMask(name, op.rate, shape));
      const y = multiply(kernels, x, mask);
      if (mode.updates && step.carriesGradient) activations.putExtras(index, [mask]);
      else kernels.dispose(mask);
      return y;
    }
    case "InputLayer":
      throw new ThawError("internal", "The input layer has no computation.");
  }
}

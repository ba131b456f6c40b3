import { ThawError } from "../error.ts";
import type { BatchNormGradients, DeviceTensor } from "../kernels/kernels.ts";
import type { LayerOp } from "../model/layer.ts";
import { followingRelu, type PassStep } from "../plan/pass.ts";
import { activationGradient } from "./activation.ts";
import type { Activations } from "./activations.ts";
import { affineGradient } from "./affine.ts";
import type { BlockGradient } from "./conv-block.ts";
import type { PassContext } from "./forward.ts";
import { isRemade, remake } from "./kept.ts";
import { multiply } from "./product.ts";

/** Gradients of one layer or block: of its input (absent where nothing below trains) and of its weights. */
export interface LayerGradients<T> {
  readonly input?: T;
  /** Beside `input`, where it goes back through a normalization that is done on the way. */
  readonly sums?: BlockGradient<T>["sums"];
  readonly weights: readonly (readonly [name: string, gradient: T])[];
}

type ConvolutionOp = Extract<LayerOp, { readonly type: "Conv2D" | "DepthwiseConv2D" }>;

/** Shape of what comes into a step with one input, for a batch of the gradient's size. */
function inputShapeOf<T extends DeviceTensor>({ steps }: PassContext<T>, step: PassStep, dy: T): readonly number[] {
  return [dy.shape[0] ?? 0, ...(steps[step.inputs[0] ?? 0]?.layer.outputShape ?? [])];
}

/** @param dy gradient of the result before any activation */
function linearGradients<T extends DeviceTensor>(
  context: PassContext<T>,
  step: PassStep,
  op: ConvolutionOp,
  dy: T,
  activations: Activations<T>,
  needsInput: boolean,
): LayerGradients<T> {
  const { kernels, variables } = context;
  const { name, weights } = step.layer;
  const inputIndex = step.inputs[0] ?? 0;
  const isDense = op.type === "Conv2D";
  const result: [string, T][] = [];
  if (step.trains) {
    const remade = isRemade(context, inputIndex);
    const x = remade ? remake(context, inputIndex, activations) : activations.get(inputIndex);
    const kernelShape = weights[0]?.shape ?? [];
    const dKernel = isDense
      ? kernels.conv2dKernelGradient(x, dy, kernelShape, op)
      : kernels.depthwiseConv2dKernelGradient(x, dy, kernelShape, op);
    if (remade) kernels.dispose(x);
    result.push([`${name}/kernel`, dKernel]);
    if (op.useBias) result.push([`${name}/bias`, kernels.biasGradient(dy)]);
  }
  if (!needsInput) return { weights: result };
  const kernel = variables.get(`${name}/kernel`);
  const inputShape = inputShapeOf(context, step, dy);
  const input = isDense
    ? kernels.conv2dInputGradient(dy, kernel, inputShape, op)
    : kernels.depthwiseConv2dInputGradient(dy, kernel, inputShape, op);
  return { input, weights: result };
}

/**
 * Gradients of a batch normalization, and of the ReLU behind it where one kernel does both.
 * @param dy gradient of the batch normalization's output, or with `relu` of the ReLU's
 */
export function batchNormGradients<T extends DeviceTensor>(
  context: PassContext<T>,
  index: number,
  dy: T,
  activations: Activations<T>,
  needsInput: boolean,
  relu?: { readonly maxValue: number | null },
): LayerGradients<T> {
  const { kernels, steps, variables } = context;
  const step = steps[index];
  if (step?.layer.op.type !== "BatchNormalization") throw new ThawError("internal", `Layer ${index} is no BN.`);
  const { name } = step.layer;
  const { epsilon } = step.layer.op;
  const weight = (suffix: string): T => variables.get(`${name}/${suffix}`);
  const gamma = weight("gamma");
  const needs = { input: needsInput, weights: step.trains };
  const x = step.keepsInput ? activations.get(step.inputs[0] ?? 0) : undefined;
  const extras = activations.takeExtras(index);
  const [mean, variance, ...saved] = extras;

  const byInference = (): BatchNormGradients<T> => {
    const [movingMean, movingVariance] = [weight("moving_mean"), weight("moving_variance")];
    if (relu === undefined || kernels.batchNormInferenceReluGradient === undefined) {
      return kernels.batchNormInferenceGradient(dy, x, gamma, movingMean, movingVariance, epsilon, needs);
    }
    const y = activations.get(index + 1);
    const { maxValue } = relu;
    const statistics = [movingMean, movingVariance] as const;
    return kernels.batchNormInferenceReluGradient(dy, y, x, gamma, ...statistics, epsilon, maxValue, needs);
  };
  const byBatch = (): BatchNormGradients<T> => {
    if (x === undefined || mean === undefined || variance === undefined) {
      throw new ThawError("internal", `The forward pass kept nothing for "${name}".`);
    }
    const trained = { mean, variance, saved };
    if (relu === undefined || kernels.batchNormTrainReluGradient === undefined) {
      return kernels.batchNormTrainGradient(dy, x, gamma, trained, epsilon, needs);
    }
    return kernels.batchNormTrainReluGradient(dy, x, gamma, weight("beta"), trained, epsilon, relu.maxValue, needs);
  };

  const gradients = step.batchNormMode === "inference" ? byInference() : byBatch();
  for (const tensor of extras) kernels.dispose(tensor);
  const weights: [string, T][] = [];
  if (gradients.dGamma !== undefined) weights.push([`${name}/gamma`, gradients.dGamma]);
  if (gradients.dBeta !== undefined) weights.push([`${name}/beta`, gradients.dBeta]);
  return gradients.dx === undefined ? { weights } : { input: gradients.dx, weights };
}

/** The ReLU at `index`, where the kernel set does its gradient with that of the batch normalization before it. */
export function fusedWithBatchNorm<T extends DeviceTensor>(
  { kernels, steps }: PassContext<T>,
  index: number,
): { readonly maxValue: number | null } | undefined {
  const inference = steps[index - 1]?.batchNormMode === "inference";
  const kernel = inference ? kernels.batchNormInferenceReluGradient : kernels.batchNormTrainReluGradient;
  return kernel === undefined ? undefined : followingRelu(steps, index - 1);
}

/** Gradients of a layer with one input. */
export function layerGradients<T extends DeviceTensor>(
  context: PassContext<T>,
  index: number,
  dy: T,
  activations: Activations<T>,
  needsInput: boolean,
): LayerGradients<T> {
  const { kernels, variables } = context;
  const step = context.steps[index];
  if (step === undefined) throw new ThawError("internal", `There is no layer ${index}.`);
  const { name, op } = step.layer;
  const inputIndex = step.inputs[0] ?? 0;
  switch (op.type) {
    case "Conv2D":
    case "DepthwiseConv2D": {
      if (op.activation === undefined) return linearGradients(context, step, op, dy, activations, needsInput);
      const [inner] = activations.takeExtras(index);
      if (inner === undefined) throw new ThawError("internal", `The forward pass kept nothing for "${name}".`);
      const gradient = activationGradient(kernels, dy, inner, op.activation);
      kernels.dispose(inner);
      try {
        return linearGradients(context, step, op, gradient, activations, needsInput);
      } finally {
        kernels.dispose(gradient);
      }
    }
    case "BatchNormalization":
      return batchNormGradients(context, index, dy, activations, needsInput);
    case "Dense": {
      const weights: [string, T][] = step.trains
        ? [
            [`${name}/kernel`, kernels.denseKernelGradient(activations.get(inputIndex), dy)],
            [`${name}/bias`, kernels.biasGradient(dy)],
          ]
        : [];
      if (!needsInput) return { weights };
      return { input: kernels.denseInputGradient(dy, variables.get(`${name}/kernel`)), weights };
    }
    case "ReLU":
      return { input: kernels.reluGradient(dy, activations.get(index), op.maxValue), weights: [] };
    case "Activation": {
      const { activation } = op;
      const input =
        activation === "linear"
          ? kernels.reshape(dy, dy.shape)
          : activationGradient(kernels, dy, activations.get(inputIndex), activation);
      return { input, weights: [] };
    }
    case "Rescaling":
    case "Normalization":
      return { input: affineGradient(context, step, dy), weights: [] };
    case "ZeroPadding2D":
      return { input: kernels.zeroPadGradient(dy, op.padding), weights: [] };
    case "MaxPooling2D": {
      const [x, y] = [activations.get(inputIndex), activations.get(index)];
      return { input: kernels.maxPoolGradient(dy, x, y, op.poolSize, op), weights: [] };
    }
    case "GlobalAveragePooling2D": {
      const inputShape = inputShapeOf(context, step, dy);
      if (op.keepDims === undefined) return { input: kernels.globalAveragePoolGradient(dy, inputShape), weights: [] };
      const flat = kernels.reshape(dy, [dy.shape[0] ?? 0, dy.shape.at(-1) ?? 0]);
      const input = kernels.globalAveragePoolGradient(flat, inputShape);
      kernels.dispose(flat);
      return { input, weights: [] };
    }
    case "Reshape":
      return { input: kernels.reshape(dy, inputShapeOf(context, step, dy)), weights: [] };
    case "Dropout": {
      if (!step.dropsOut) return { input: kernels.reshape(dy, dy.shape), weights: [] };
      const [mask] = activations.takeExtras(index);
      if (mask === undefined) throw new ThawError("internal", `The forward pass kept no mask for "${name}".`);
      const input = multiply(kernels, dy, mask);
      kernels.dispose(mask);
      return { input, weights: [] };
    }
    default:
      throw new ThawError("internal", `"${name}" has no gradient of its own.`);
  }
}

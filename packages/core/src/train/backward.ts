import { ThawError } from "../error.ts";
import type { BatchNormGradients, DeviceTensor } from "../kernels/kernels.ts";
import { type ConvBlock, convBlocks, type PassRange } from "../plan/conv-blocks.ts";
import { followingRelu } from "../plan/pass.ts";
import type { Activations } from "./activations.ts";
import { type BlockGradient, convolutionGradients } from "./conv-block.ts";
import type { PassContext } from "./forward.ts";
import { isRemade, keptFor, remake } from "./kept.ts";

/** A gradient that several layers may hold at once (an Add passes its own on to both inputs). */
interface SharedGradient<T> extends BlockGradient<T> {
  owners: number;
}

/** Gradients on their way down, summed where paths meet and freed after their last owner. */
class GradientFlow<T extends DeviceTensor> {
  readonly #context: PassContext<T>;
  readonly #pending = new Map<number, SharedGradient<T>>();

  constructor(context: PassContext<T>) {
    this.#context = context;
  }

  release(gradient: SharedGradient<T>): void {
    gradient.owners -= 1;
    if (gradient.owners === 0) this.#context.kernels.dispose(gradient.tensor);
  }

  /** Adds one owner's share to what has reached a layer already. */
  send(index: number, gradient: SharedGradient<T>): void {
    const before = this.#pending.get(index);
    if (before === undefined) {
      this.#pending.set(index, gradient);
      return;
    }
    const sum = this.#context.kernels.add(before.tensor, gradient.tensor);
    this.release(before);
    this.release(gradient);
    this.#pending.set(index, { tensor: sum, owners: 1 });
  }

  take(index: number): SharedGradient<T> | undefined {
    const gradient = this.#pending.get(index);
    this.#pending.delete(index);
    return gradient;
  }

  dispose(): void {
    for (const gradient of this.#pending.values()) {
      for (const sum of Object.values(gradient.sums ?? {})) this.#context.kernels.dispose(sum);
      this.release(gradient);
    }
    this.#pending.clear();
  }
}

/** Gradients of one layer or block: of its input (absent where nothing below trains) and of its weights. */
interface LayerGradients<T> {
  readonly input?: T;
  /** Beside `input`, where it goes back through a normalization that is done on the way. */
  readonly sums?: BlockGradient<T>["sums"];
  readonly weights: readonly (readonly [name: string, gradient: T])[];
}

function plainConvolutionGradients<T extends DeviceTensor>(
  context: PassContext<T>,
  index: number,
  dy: T,
  activations: Activations<T>,
  needsInput: boolean,
): LayerGradients<T> {
  const { kernels, steps, variables } = context;
  const step = steps[index];
  if (step === undefined) throw new ThawError("internal", `There is no layer ${index}.`);
  const { name, op, weights } = step.layer;
  if (op.type !== "Conv2D" && op.type !== "DepthwiseConv2D")
    throw new ThawError("internal", `"${name}" is no convolution.`);
  const kernel = variables.get(`${name}/kernel`);
  const inputIndex = step.inputs[0] ?? 0;
  const inputShape = [dy.shape[0] ?? 0, ...(steps[inputIndex]?.layer.outputShape ?? [])];
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
  const input = isDense
    ? kernels.conv2dInputGradient(dy, kernel, inputShape, op)
    : kernels.depthwiseConv2dInputGradient(dy, kernel, inputShape, op);
  return { input, weights: result };
}

/**
 * Gradients of a batch normalization, and of the ReLU behind it where one kernel does both.
 * @param dy gradient of the batch normalization's output, or with `relu` of the ReLU's
 */
function batchNormGradients<T extends DeviceTensor>(
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
function fusedWithBatchNorm<T extends DeviceTensor>(
  { kernels, steps }: PassContext<T>,
  index: number,
): { readonly maxValue: number | null } | undefined {
  const inference = steps[index - 1]?.batchNormMode === "inference";
  const kernel = inference ? kernels.batchNormInferenceReluGradient : kernels.batchNormTrainReluGradient;
  return kernel === undefined ? undefined : followingRelu(steps, index - 1);
}

function layerGradients<T extends DeviceTensor>(
  context: PassContext<T>,
  index: number,
  dy: T,
  activations: Activations<T>,
  needsInput: boolean,
): LayerGradients<T> {
  const { kernels, steps, variables } = context;
  const step = steps[index];
  if (step === undefined) throw new ThawError("internal", `There is no layer ${index}.`);
  const { name, op } = step.layer;
  const inputIndex = step.inputs[0] ?? 0;
  switch (op.type) {
    case "Conv2D":
    case "DepthwiseConv2D":
      return plainConvolutionGradients(context, index, dy, activations, needsInput);
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
    case "ZeroPadding2D":
      return { input: kernels.zeroPadGradient(dy, op.padding), weights: [] };
    case "GlobalAveragePooling2D": {
      const inputShape = [dy.shape[0] ?? 0, ...(steps[inputIndex]?.layer.outputShape ?? [])];
      return { input: kernels.globalAveragePoolGradient(dy, inputShape), weights: [] };
    }
    case "Dropout": {
      const [mask] = activations.takeExtras(index);
      if (mask === undefined) throw new ThawError("internal", `The forward pass kept no mask for "${name}".`);
      const input = kernels.multiply(dy, mask);
      kernels.dispose(mask);
      return { input, weights: [] };
    }
    default:
      throw new ThawError("internal", `"${name}" has no gradient of its own.`);
  }
}

/**
 * Gradients of a block whose output was not stored, or of its convolution alone where the gradient has come through the
 * normalization already. Of the normalization's weights they came with the gradient.
 */
function blockGradients<T extends DeviceTensor>(
  context: PassContext<T>,
  block: ConvBlock,
  gradient: BlockGradient<T>,
  activations: Activations<T>,
  needsInput: boolean,
): LayerGradients<T> {
  const { kernels, steps } = context;
  const { input, weights } = convolutionGradients(context, block, gradient, activations, needsInput);
  const all = [...weights];
  if (gradient.sums !== undefined) {
    const { dGamma, dBeta } = gradient.sums;
    const norm = steps[block.norm];
    if (norm?.trains === true) all.push([`${norm.layer.name}/gamma`, dGamma], [`${norm.layer.name}/beta`, dBeta]);
    else for (const tensor of [dGamma, dBeta]) kernels.dispose(tensor);
    for (const tensor of activations.takeExtras(block.norm)) kernels.dispose(tensor);
  }
  if (input === undefined) return { weights: all };
  return { input: input.tensor, sums: input.sums, weights: all };
}

/**
 * Walks the layers from the last down to the first that carries a gradient, freeing activations as they are used.
 * @param activations what a training {@link forward} left, from layer 0 or from a cut below everything that trains
 * @param dOutput gradient of the loss by the last layer's output; taken over
 * @returns gradients by weight name, for the caller to free
 */
export function backward<T extends DeviceTensor>(
  context: PassContext<T>,
  activations: Activations<T>,
  dOutput: T,
): Map<string, T> {
  const { kernels, steps } = context;
  const blocks = convBlocks(steps, kernels);
  const range: PassRange = { from: 0, to: steps.length };
  const flow = new GradientFlow(context);
  const weightGradients = new Map<string, T>();
  flow.send(steps.length - 1, { tensor: dOutput, owners: 1 });
  try {
    for (let index = steps.length - 1; index >= 0; index -= 1) {
      const gradient = flow.take(index);
      if (gradient === undefined) continue;
      const top = index;
      const deferred = gradient.sums === undefined ? undefined : activations.deferredAt(index);
      const relu = deferred === undefined ? fusedWithBatchNorm(context, index) : undefined;
      if (deferred !== undefined) index = deferred.convolution;
      else if (relu !== undefined) index -= 1;
      const step = steps[index];
      if (step === undefined) continue;
      context.enterLayer?.(step.layer.name);
      const receivers = step.inputs.filter((input) => steps[input]?.carriesGradient === true);
      if (step.layer.op.type === "Add") {
        gradient.owners += receivers.length;
        for (const input of receivers) flow.send(input, gradient);
      } else {
        const needsInput = receivers.length > 0;
        const block = deferred ?? blocks.byConvolution.get(index);
        const { input, sums, weights } =
          block !== undefined
            ? blockGradients(context, block, gradient, activations, needsInput)
            : relu === undefined
              ? layerGradients(context, index, gradient.tensor, activations, needsInput)
              : batchNormGradients(context, index, gradient.tensor, activations, needsInput, relu);
        for (const [name, tensor] of weights) weightGradients.set(name, tensor);
        const [receiver] = receivers;
        if (input !== undefined) {
          if (receiver === undefined) kernels.dispose(input);
          else flow.send(receiver, { tensor: input, sums, owners: 1 });
        }
      }
      flow.release(gradient);
      for (let done = top; done >= index; done -= 1) {
        for (const kept of keptFor(context, blocks, done, range)) activations.release(kept);
      }
    }
    context.enterLayer?.(null);
    return weightGradients;
  } catch (error) {
    flow.dispose();
    for (const tensor of weightGradients.values()) kernels.dispose(tensor);
    throw error;
  }
}

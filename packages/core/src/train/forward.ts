import { ThawError } from "../error.ts";
import type { BatchNormTrained, DeviceTensor, FollowingRelu, Kernels } from "../kernels/kernels.ts";
import {
  type ConvBlock,
  type ConvBlocks,
  convBlocks,
  isDeferred,
  liesIn,
  NO_BLOCKS,
  type PassRange,
} from "../plan/conv-blocks.ts";
import { crossingAt, followingRelu, type PassStep } from "../plan/pass.ts";
import { Activations } from "./activations.ts";
import { runConvolution } from "./conv-block.ts";
import { applyNorm, fixedNorm } from "./fixed-norm.ts";
import { keptFor, storedAt } from "./kept.ts";
import { disposeLast, type Move, moveStatistics } from "./moving-statistics.ts";
import type { Variables } from "./variables.ts";

/** A dropout mask, already divided by the keep rate. */
export type DropoutMask = (layerName: string, rate: number, shape: readonly number[]) => Float32Array;

/** How a forward pass runs. */
export type ForwardMode =
  /** Every batch normalization by its moving statistics, nothing kept. */
  | { readonly training: false }
  /** As the pass plan says, keeping what the backward pass reads. */
  | {
      readonly training: true;
      readonly dropoutMask: DropoutMask;
      /** False only looks: moving statistics stay, nothing is kept for a backward pass. */
      readonly updates: boolean;
      /** Keeps every output until the caller releases it once. */
      readonly keepsOutputs?: boolean;
    };

/** What a pass works with. */
export interface PassContext<T extends DeviceTensor> {
  readonly kernels: Kernels<T>;
  readonly steps: readonly PassStep[];
  readonly variables: Variables<T>;
  /** Makes some outputs again in the backward pass instead of keeping them; the bits are the same. */
  readonly savesMemory?: boolean;
  /** Is told which layer comes next, and null behind the last; for a profile. */
  readonly enterLayer?: (layer: string | null) => void;
}

/** How often each layer's output is used: by later layers of the range, by the backward pass, and by the caller. */
function countUses<T extends DeviceTensor>(
  context: PassContext<T>,
  blocks: ConvBlocks,
  range: PassRange,
  mode: ForwardMode,
): readonly number[] {
  const { steps } = context;
  const uses = new Array<number>(steps.length).fill(mode.training && mode.keepsOutputs === true ? 1 : 0);
  const count = (index: number): void => {
    uses[index] = (uses[index] ?? 0) + 1;
  };
  for (let index = range.from; index < range.to; index += 1) {
    for (const input of steps[index]?.inputs ?? []) count(storedAt(blocks, input, range));
    if (mode.training && mode.updates) for (const kept of keptFor(context, blocks, index, range)) count(kept);
  }
  for (const index of crossingAt(steps, range.to)) count(index);
  return uses;
}

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

function batchNorm<T extends DeviceTensor>(
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
function hasFusedForward<T extends DeviceTensor>(kernels: Kernels<T>, step: PassStep, mode: ForwardMode): boolean {
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
      if (!op.useBias) return y;
      const biased = kernels.biasAdd(y, variables.get(`${name}/bias`));
      kernels.dispose(y);
      return biased;
    }
    case "BatchNormalization":
      return batchNorm(context, index, x, activations, mode, moves);
    case "ReLU":
      return kernels.relu(x, op.maxValue);
    case "ZeroPadding2D":
      return kernels.zeroPad(x, op.padding);
    case "Add":
      if (second === undefined) throw new ThawError("internal", `Layer "${name}" needs two inputs.`);
      return kernels.add(x, second);
    case "GlobalAveragePooling2D":
      return kernels.globalAveragePool(x);
    case "Dense":
      return kernels.dense(x, variables.get(`${name}/kernel`), variables.get(`${name}/bias`));
    case "Dropout": {
      const mask = mode.training
        ? mode.dropoutMask(name, op.rate, x.shape)
        : new Float32Array(x.shape.reduce((a, b) => a * b, 1)).fill(1);
      const maskTensor = kernels.upload(mask, x.shape);
      const y = kernels.multiply(x, maskTensor);
      if (mode.training && mode.updates && step.carriesGradient) activations.putExtras(index, [maskTensor]);
      else kernels.dispose(maskTensor);
      return y;
    }
    case "InputLayer":
      throw new ThawError("internal", "The input layer has no computation.");
  }
}

/** Runs a block: its convolution, which takes the statistics, and the rest unless the reader does that. */
function runBlock<T extends DeviceTensor>(
  context: PassContext<T>,
  block: ConvBlock,
  activations: Activations<T>,
  mode: Extract<ForwardMode, { training: true }>,
  uses: readonly number[],
  moves: Move<T>[],
  deferred: boolean,
): void {
  const { kernels, steps } = context;
  const norm = steps[block.norm];
  if (norm === undefined) throw new ThawError("internal", `There is no layer ${block.norm}.`);
  const { y, mean, variance } = runConvolution(context, block, activations);
  if (mode.updates) moves.push({ step: norm, batch: [mean, variance], isLast: false });
  activations.putExtras(block.norm, [mean, variance]);
  if (deferred) activations.defer(block);
  if (!deferred || mode.keepsOutputs === true) {
    const output = applyNorm(kernels, y, fixedNorm(context, block.norm, [mean, variance]), block.relu);
    activations.put(block.top, output, uses[block.top] ?? 0);
  }
  activations.put(block.convolution, y, uses[block.convolution] ?? 0);
  if (mode.updates) return;
  // No backward pass comes: what was read is done with.
  const read = activations.deferredAt(steps[block.convolution]?.inputs[0] ?? 0);
  for (const done of [read, deferred ? undefined : block]) {
    if (done !== undefined) for (const tensor of activations.takeExtras(done.norm)) kernels.dispose(tensor);
  }
}

/**
 * Runs layers `[from, to)`.
 * @param inputs outputs of the layers that are live at `from`, by layer index; for `from` 0 the images under index 0.
 *   The pass takes them over and frees them after their last use.
 * @returns the live outputs at `to`, and in training what the backward pass reads; the caller disposes of it
 */
export function forward<T extends DeviceTensor>(
  context: PassContext<T>,
  range: PassRange,
  inputs: ReadonlyMap<number, T>,
  mode: ForwardMode,
): Activations<T> {
  const { kernels, steps } = context;
  const blocks = mode.training ? convBlocks(steps, kernels) : NO_BLOCKS;
  const uses = countUses(context, blocks, range, mode);
  const activations = new Activations(kernels);
  const moves: Move<T>[] = [];
  for (const [index, tensor] of inputs) activations.put(index, tensor, uses[index] ?? 0);
  const lastMoving = steps.findLastIndex(
    ({ batchNormMode }, index) => index < range.to && batchNormMode === "batch-stats",
  );
  try {
    for (let index = range.from; index < range.to; index += 1) {
      const step = steps[index];
      if (step === undefined || step.skipped === true || step.layer.op.type === "InputLayer") continue;
      context.enterLayer?.(step.layer.name);
      const block = blocks.byConvolution.get(index);
      if (mode.training && liesIn(block, range)) {
        runBlock(context, block, activations, mode, uses, moves, isDeferred(blocks, block, range));
        index = block.top;
      } else {
        const tensors = step.inputs.map((input) => activations.get(input));
        const relu = index + 1 < range.to ? followingRelu(steps, index) : undefined;
        const [x] = tensors;
        if (relu !== undefined && x !== undefined && hasFusedForward(kernels, step, mode)) {
          const y = batchNorm(context, index, x, activations, mode, moves, relu);
          index += 1;
          activations.put(index, y, uses[index] ?? 0);
        } else {
          const y = runLayer(context, index, tensors, activations, mode, moves); // layer.outputShape behind the batch axis
          activations.put(index, y, uses[index] ?? 0);
        }
      }
      for (const input of step.inputs) activations.release(storedAt(blocks, input, range));
      if (moves.length > 0 && index >= lastMoving) moveStatistics(context, moves); // all at once, behind the last
    }
    context.enterLayer?.(null);
    return activations;
  } catch (error) {
    activations.dispose();
    disposeLast(kernels, moves);
    throw error;
  }
}

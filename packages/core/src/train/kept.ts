import { ThawError } from "../error.ts";
import type { DeviceTensor } from "../kernels/kernels.ts";
import { type ConvBlocks, isDeferred, liesIn, type PassRange } from "../plan/conv-blocks.ts";
import { followingRelu, type PassStep, readersOf } from "../plan/pass.ts";
import type { Activations } from "./activations.ts";
import { applyNorm, fixedNorm } from "./fixed-norm.ts";
import type { PassContext } from "./forward.ts";

/**
 * Whether a ReLU's output is read again by nothing but the kernel gradient of the convolution above it, and can be made
 * from what its batch normalization keeps anyway: then a step that saves memory does not keep it.
 * @param index of the ReLU
 */
export function isRemade<T extends DeviceTensor>(context: PassContext<T>, index: number): boolean {
  const { kernels, steps, savesMemory } = context;
  if (savesMemory !== true || kernels.batchNormInferenceRelu === undefined) return false;
  const norm = steps[index - 1];
  return (
    steps[index]?.layer.op.type === "ReLU" &&
    norm?.batchNormMode === "batch-stats" &&
    norm.keepsInput &&
    needsNoOutput(context, index) &&
    isReadByConvolution(steps, index)
  );
}

/** Whether one convolution and nothing else reads a layer's output. */
function isReadByConvolution(steps: readonly PassStep[], index: number): boolean {
  const [reader, ...others] = readersOf(steps, index);
  const type = steps[reader ?? -1]?.layer.op.type;
  return others.length === 0 && (type === "Conv2D" || type === "DepthwiseConv2D");
}

/** The layer whose stored output a reader of layer `index` reads: its own, or the convolution's of a deferred block. */
export function storedAt(blocks: ConvBlocks, index: number, range: PassRange): number {
  const block = blocks.byTop.get(index);
  return isDeferred(blocks, block, range) ? block.convolution : index;
}

/**
 * Layers whose stored outputs the backward pass through layer `index` reads: the forward pass keeps them, and the
 * backward pass lets go of them when it is through.
 */
export function keptFor<T extends DeviceTensor>(
  context: PassContext<T>,
  blocks: ConvBlocks,
  index: number,
  range: PassRange,
): readonly number[] {
  const step = context.steps[index];
  if (step === undefined) return [];
  const block = blocks.byConvolution.get(index);
  if (liesIn(block, range)) {
    const [input = 0] = step.inputs;
    const stored = storedAt(blocks, input, range);
    if (stored !== input) return [stored];
    return step.trains && !isRemade(context, input) ? [input] : [];
  }
  const inputs = step.keepsInput ? step.inputs.filter((input) => !isRemade(context, input)) : [];
  const keepsOutput = step.keepsOutput && !needsNoOutput(context, index) && !liesIn(blocks.byTop.get(index), range);
  return keepsOutput ? [...inputs, index] : inputs;
}

/** Whether the gradient of a ReLU works without its output: one kernel does it with the normalization's. */
export function needsNoOutput<T extends DeviceTensor>({ kernels, steps }: PassContext<T>, index: number): boolean {
  return (
    steps[index - 1]?.batchNormMode === "batch-stats" &&
    kernels.batchNormTrainRelu !== undefined &&
    kernels.batchNormTrainReluGradient !== undefined &&
    followingRelu(steps, index - 1) !== undefined
  );
}

/** Makes the output of a ReLU again, the same bits: by the statistics that the batch had. The caller frees it. */
export function remake<T extends DeviceTensor>(context: PassContext<T>, index: number, activations: Activations<T>): T {
  const { kernels, steps } = context;
  const relu = steps[index]?.layer.op;
  if (relu?.type !== "ReLU") throw new ThawError("internal", `The output of layer ${index} cannot be made again.`);
  const x = activations.get(steps[index - 1]?.inputs[0] ?? 0);
  return applyNorm(kernels, x, fixedNorm(context, index - 1, activations.extras(index - 1)), relu);
}

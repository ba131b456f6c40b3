import { ThawError } from "../error.ts";
import type { DeviceTensor, Kernels } from "../kernels/kernels.ts";
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
import { batchNorm, hasFusedForward, runLayer } from "./layer-forward.ts";
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

import type { DeviceTensor, FollowingRelu, Kernels } from "../kernels/kernels.ts";
import { isPointwise } from "../kernels/window.ts";
import { followingRelu, type PassStep, readersOf } from "./pass.ts";

/**
 * A convolution that trains or has something that trains below it, with the batch normalization by the batch's own
 * statistics behind it and the ReLU behind that: the statistics are taken while the convolution writes its result.
 */
export interface ConvBlock {
  /** Index of the convolution. */
  readonly convolution: number;
  readonly norm: number;
  readonly relu: FollowingRelu | undefined;
  /** Index of the ReLU, or of the normalization where there is none. */
  readonly top: number;
  /**
   * Index of the convolution that reads the block's output, where it is another block's and the output is never
   * stored: the reader normalises the result of this block's convolution while it reads it. Undefined elsewhere.
   */
  readonly reader: number | undefined;
}

/** The blocks of a network, to be found by the index of their convolution and of their top. */
export interface ConvBlocks {
  readonly byConvolution: ReadonlyMap<number, ConvBlock>;
  readonly byTop: ReadonlyMap<number, ConvBlock>;
}

/** The part of a network that a pass runs. */
export interface PassRange {
  readonly from: number;
  readonly to: number;
}

/** Whether a block lies in a range as a whole. */
export function liesIn(block: ConvBlock | undefined, { from, to }: PassRange): block is ConvBlock {
  return block !== undefined && block.convolution >= from && block.top < to;
}

/** Whether a block and the one that reads it lie in a range, so that its output need not be stored. */
export function isDeferred(blocks: ConvBlocks, block: ConvBlock | undefined, range: PassRange): block is ConvBlock {
  return liesIn(block, range) && block.reader !== undefined && liesIn(blocks.byConvolution.get(block.reader), range);
}

function hasKernels<T extends DeviceTensor>(kernels: Kernels<T>, depthwise: boolean): boolean {
  const own = depthwise
    ? [kernels.depthwiseConv2dStatistics, kernels.depthwiseConv2dGradients]
    : [kernels.conv2dStatistics, kernels.conv2dGradients];
  const norms = [kernels.batchNormTrainReluGradient, kernels.batchNormInferenceRelu];
  return [...own, ...norms].every((kernel) => kernel !== undefined);
}

/** The block that begins at a layer, its reader still unknown. */
function blockAt<T extends DeviceTensor>(
  steps: readonly PassStep[],
  kernels: Kernels<T>,
  index: number,
): ConvBlock | undefined {
  const [step, norm] = [steps[index], steps[index + 1]];
  const op = step?.layer.op;
  if (op?.type !== "Conv2D" && op?.type !== "DepthwiseConv2D") return undefined;
  if (step === undefined || !step.carriesGradient || op.useBias || op.activation !== undefined) return undefined;
  if (!hasKernels(kernels, op.type === "DepthwiseConv2D")) return undefined;
  const goesDown = steps[step.inputs[0] ?? -1]?.carriesGradient === true;
  if (op.type === "Conv2D" && goesDown && !isPointwise(step.layer.weights[0]?.shape ?? [], op)) return undefined;
  if (norm?.layer.op.type !== "BatchNormalization" || norm.batchNormMode !== "batch-stats") return undefined;
  if (readersOf(steps, index).join() !== `${index + 1}`) return undefined;
  const relu = followingRelu(steps, index + 1);
  return {
    convolution: index,
    norm: index + 1,
    relu,
    top: relu === undefined ? index + 1 : index + 2,
    reader: undefined,
  };
}

/** Of a pass that goes layer by layer. */
export const NO_BLOCKS: ConvBlocks = { byConvolution: new Map(), byTop: new Map() };

const planned = new WeakMap<readonly PassStep[], WeakMap<object, ConvBlocks>>();

/** Finds the blocks that a kernel set has fused kernels for; once for the same steps and kernels. */
export function convBlocks<T extends DeviceTensor>(steps: readonly PassStep[], kernels: Kernels<T>): ConvBlocks {
  const known = planned.get(steps) ?? new WeakMap<object, ConvBlocks>();
  planned.set(steps, known);
  const blocks = known.get(kernels) ?? planConvBlocks(steps, kernels);
  known.set(kernels, blocks);
  return blocks;
}

function planConvBlocks<T extends DeviceTensor>(steps: readonly PassStep[], kernels: Kernels<T>): ConvBlocks {
  const found = new Map<number, ConvBlock>();
  for (const index of steps.keys()) {
    const block = blockAt(steps, kernels, index);
    if (block !== undefined) found.set(index, block);
  }
  const blocks = [...found.values()].map((block): ConvBlock => {
    const [reader = -1, ...others] = readersOf(steps, block.top);
    const defers = block.relu !== undefined && others.length === 0 && found.has(reader);
    return { ...block, reader: defers ? reader : undefined };
  });
  return {
    byConvolution: new Map(blocks.map((block) => [block.convolution, block])),
    byTop: new Map(blocks.map((block) => [block.top, block])),
  };
}

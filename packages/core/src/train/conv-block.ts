import { ThawError } from "../error.ts";
import type { DeferredInput, DeferredNorm, DeviceTensor } from "../kernels/kernels.ts";
import type { ConvBlock } from "../plan/conv-blocks.ts";
import type { PassStep } from "../plan/pass.ts";
import type { Activations } from "./activations.ts";
import { fixedNorm } from "./fixed-norm.ts";
import type { PassContext } from "./forward.ts";
import { isRemade, remake } from "./kept.ts";

/** A gradient with those of the weights of the normalization that it comes back through, where they are known already. */
export interface BlockGradient<T> {
  readonly tensor: T;
  readonly sums?: { readonly dGamma: T; readonly dBeta: T } | undefined;
}

function convolutionOf(
  steps: readonly PassStep[],
  { convolution }: ConvBlock,
): {
  readonly step: PassStep;
  readonly op: Extract<PassStep["layer"]["op"], { type: "Conv2D" | "DepthwiseConv2D" }>;
} {
  const step = steps[convolution];
  const op = step?.layer.op;
  if (step === undefined || (op?.type !== "Conv2D" && op?.type !== "DepthwiseConv2D")) {
    throw new ThawError("internal", `Layer ${convolution} is no convolution.`);
  }
  return { step, op };
}

/** The normalization of a block by the statistics that the batch had, and its ReLU. */
function normOf<T extends DeviceTensor>(
  context: PassContext<T>,
  { norm, relu }: ConvBlock,
  activations: Activations<T>,
): DeferredNorm<T> {
  return { ...fixedNorm(context, norm, activations.extras(norm)), relu };
}

/** A layer's output as a kernel reads it: stored, or to be normalised on the way. */
function inputOf<T extends DeviceTensor>(
  context: PassContext<T>,
  index: number,
  activations: Activations<T>,
): DeferredInput<T> {
  const block = activations.deferredAt(index);
  if (block === undefined) return { x: activations.get(index), norm: undefined };
  return { x: activations.get(block.convolution), norm: normOf(context, block, activations) };
}

/** Runs the convolution of a block. @returns its result and the statistics of it */
export function runConvolution<T extends DeviceTensor>(
  context: PassContext<T>,
  block: ConvBlock,
  activations: Activations<T>,
): { readonly y: T; readonly mean: T; readonly variance: T } {
  const { kernels, steps, variables } = context;
  const { step, op } = convolutionOf(steps, block);
  const run = op.type === "Conv2D" ? kernels.conv2dStatistics : kernels.depthwiseConv2dStatistics;
  if (run === undefined) throw new ThawError("internal", `There is no fused kernel for "${step.layer.name}".`);
  return run(inputOf(context, step.inputs[0] ?? 0, activations), variables.get(`${step.layer.name}/kernel`), op);
}

/**
 * Gradients of a block's convolution.
 * @param gradient of the convolution's result, or with `sums` of the block's output
 * @param needsInput whether anything below trains
 */
export function convolutionGradients<T extends DeviceTensor>(
  context: PassContext<T>,
  block: ConvBlock,
  { tensor: dy, sums }: BlockGradient<T>,
  activations: Activations<T>,
  needsInput: boolean,
): { readonly input?: BlockGradient<T>; readonly weights: readonly (readonly [name: string, gradient: T])[] } {
  const { kernels, steps, variables } = context;
  const { step, op } = convolutionOf(steps, block);
  const run = op.type === "Conv2D" ? kernels.conv2dGradients : kernels.depthwiseConv2dGradients;
  if (run === undefined) throw new ThawError("internal", `There is no fused kernel for "${step.layer.name}".`);
  const [inputIndex = 0] = step.inputs;
  const isStored = activations.deferredAt(inputIndex) === undefined;
  const remade = step.trains && isStored && isRemade(context, inputIndex);
  const isRead = step.trains || !isStored;
  const input = remade
    ? { x: remake(context, inputIndex, activations), norm: undefined }
    : isRead
      ? inputOf(context, inputIndex, activations)
      : { x: undefined, norm: undefined };
  const behind = sums && {
    y: activations.get(block.convolution),
    norm: normOf(context, block, activations),
    ...sums,
  };
  const kernel = variables.get(`${step.layer.name}/kernel`);
  const inputShape = [dy.shape[0] ?? 0, ...(steps[inputIndex]?.layer.outputShape ?? [])];
  const needs = { input: needsInput, weights: step.trains };
  const { dx, dKernel, dGamma, dBeta } = run({ dy, behind }, input, kernel, inputShape, op, needs);
  if (remade && input.x !== undefined) kernels.dispose(input.x);
  const weights = dKernel === undefined ? [] : ([[`${step.layer.name}/kernel`, dKernel]] as const);
  if (dx === undefined) return { weights };
  if (dGamma === undefined || dBeta === undefined) return { input: { tensor: dx }, weights };
  return { input: { tensor: dx, sums: { dGamma, dBeta } }, weights };
}

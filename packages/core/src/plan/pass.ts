import type { BatchNormMode, LayerTreatment } from "../freeze/policy.ts";
import type { FollowingRelu } from "../kernels/kernels.ts";
import type { Layer } from "../model/layer.ts";

/** One layer as the executor sees it. */
export interface PassStep {
  readonly layer: Layer;
  /** Indices of the layers whose outputs come in. */
  readonly inputs: readonly number[];
  /** Whether its weights get gradients. */
  readonly trains: boolean;
  /** Whether anything at or below it trains, so that a gradient must reach its output. */
  readonly carriesGradient: boolean;
  readonly batchNormMode: BatchNormMode;
  /** Whether the backward pass reads the layer's input. */
  readonly keepsInput: boolean;
  /** Whether the backward pass reads the layer's output. */
  readonly keepsOutput: boolean;
  /** Whether it is a dropout that drops anything in training. */
  readonly dropsOut: boolean;
  /** Another step does its work. */
  readonly skipped?: true;
}

function keepsInput(layer: Layer, trains: boolean, carriesGradient: boolean, mode: BatchNormMode): boolean {
  switch (layer.op.type) {
    case "Conv2D":
    case "DepthwiseConv2D":
    case "Dense":
      return trains;
    case "BatchNormalization":
      return mode === "batch-stats" ? carriesGradient : trains;
    case "Activation":
      return carriesGradient && layer.op.activation !== "linear";
    case "Multiply":
    case "MaxPooling2D":
      return carriesGradient;
    default:
      return false;
  }
}

/** Works out, layer by layer, what the backward pass has to do and what it needs from the forward pass. */
export function planPass(layers: readonly Layer[], treatments: readonly LayerTreatment[]): readonly PassStep[] {
  const indexOf = new Map(layers.map((layer, index) => [layer.name, index]));
  const steps: PassStep[] = [];
  for (const [index, layer] of layers.entries()) {
    const inputs = layer.inputs.map((name) => indexOf.get(name) ?? -1);
    const treatment = treatments[index];
    const trains = treatment !== undefined && treatment.trainableParams > 0;
    const carriesGradient = trains || inputs.some((input) => steps[input]?.carriesGradient === true);
    const mode = treatment?.batchNormMode ?? null;
    steps.push({
      layer,
      inputs,
      trains,
      carriesGradient,
      batchNormMode: mode,
      keepsInput: keepsInput(layer, trains, carriesGradient, mode),
      keepsOutput: (layer.op.type === "ReLU" || layer.op.type === "MaxPooling2D") && carriesGradient,
      dropsOut: layer.op.type === "Dropout" && treatment?.dropoutMode !== "inference",
    });
  }
  return steps;
}

/** Indices of the layers below `to` whose outputs are used at or above it; at the end, the last layer's. */
export function crossingAt(steps: readonly PassStep[], to: number): ReadonlySet<number> {
  if (to >= steps.length) return new Set([steps.length - 1]);
  return new Set(steps.slice(to).flatMap((step) => step.inputs.filter((input) => input < to)));
}

/** Indices of the layers that read a layer's output. */
export function readersOf(steps: readonly PassStep[], index: number): readonly number[] {
  return steps.flatMap(({ inputs }, reader) => (inputs.includes(index) ? [reader] : []));
}

/** The ReLU at `index + 1` if nothing else reads the batch normalization at `index`. */
export function followingRelu(steps: readonly PassStep[], index: number): FollowingRelu | undefined {
  const next = steps[index + 1];
  if (steps[index]?.layer.op.type !== "BatchNormalization" || next?.layer.op.type !== "ReLU") return undefined;
  return readersOf(steps, index).length === 1 && next.inputs[0] === index ? next.layer.op : undefined;
}

/** Multiply-accumulates of one image in one training step. */
export interface StepCost {
  /** Forward through the layers below the first that trains. */
  readonly prefixMacs: number;
  readonly forwardMacs: number;
  readonly backwardMacs: number;
  /** Forward and backward. */
  readonly stepMacs: number;
}

/** Index of the first layer that carries a gradient: everything below it is the frozen prefix. */
export function frozenPrefix(steps: readonly PassStep[]): number {
  const index = steps.findIndex((step) => step.carriesGradient);
  return index < 0 ? steps.length : index;
}

/**
 * Index of the first layer that training runs otherwise than inference: it carries a gradient, draws a dropout mask, or
 * normalises by the batch. What lies below it is a function of the image alone.
 */
export function staticPrefix(steps: readonly PassStep[]): number {
  const index = steps.findIndex(
    ({ carriesGradient, batchNormMode, dropsOut }) => carriesGradient || dropsOut || batchNormMode === "batch-stats",
  );
  return index < 0 ? steps.length : index;
}

/** Adds up what a step costs: a convolution's gradients cost its forward pass each. */
export function stepCost(steps: readonly PassStep[]): StepCost {
  const prefix = frozenPrefix(steps);
  let prefixMacs = 0;
  let forwardMacs = 0;
  let backwardMacs = 0;
  for (const [index, { layer, inputs, trains }] of steps.entries()) {
    forwardMacs += layer.macs;
    if (index < prefix) prefixMacs += layer.macs;
    if (trains) backwardMacs += layer.macs;
    if (inputs.some((input) => steps[input]?.carriesGradient === true)) backwardMacs += layer.macs;
  }
  return { prefixMacs, forwardMacs, backwardMacs, stepMacs: forwardMacs + backwardMacs };
}

import type { FollowingRelu, Window } from "../kernels/kernels.ts";
import type { Padding } from "../model/layer.ts";
import { sumOfPaddings } from "./padding.ts";
import type { PassStep } from "./pass.ts";

/** A piece of the frozen prefix that runs as one. */
export type PrefixUnit =
  /** A layer as it is. */
  | { readonly type: "layer"; readonly index: number; readonly inputs: readonly number[]; readonly output: number }
  /** A convolution with the padding in front of it and the batch normalization and the ReLU behind it. */
  | {
      readonly type: "folded";
      /** Of the convolution. */
      readonly index: number;
      readonly inputs: readonly number[];
      /** The last of the layers that were folded together. */
      readonly output: number;
      readonly window: Window;
      readonly relu: FollowingRelu | undefined;
    };

/** A convolution and nothing behind it in the same layer. */
function isPlainConvolution(step: PassStep | undefined): boolean {
  const op = step?.layer.op;
  if (op?.type !== "Conv2D" && op?.type !== "DepthwiseConv2D") return false;
  return !op.useBias && op.activation === undefined;
}

const NO_PADDING: Padding = [
  [0, 0],
  [0, 0],
];

/**
 * Cuts the layers below `to`, all of them frozen, into pieces: a convolution takes in a batch normalization that
 * works by its moving statistics, which is a factor and a summand for each of its filters.
 */
export function planPrefix(steps: readonly PassStep[], to: number): readonly PrefixUnit[] {
  const readers = steps.map(() => 0);
  for (const { inputs } of steps) for (const input of inputs) readers[input] = (readers[input] ?? 0) + 1;
  /** Whether a layer's output goes to the next layer, below `to`, and nowhere else. */
  const goesOn = (index: number): boolean =>
    index + 1 < to && readers[index] === 1 && steps[index + 1]?.inputs[0] === index;

  const units: PrefixUnit[] = [];
  for (let index = 0; index < to; index += 1) {
    const step = steps[index];
    if (step === undefined || step.skipped === true || step.layer.op.type === "InputLayer") continue;
    const padding = step.layer.op.type === "ZeroPadding2D" && goesOn(index) ? step.layer.op.padding : undefined;
    const at = padding === undefined ? index : index + 1;
    const convolution = steps[at];
    const op = convolution?.layer.op;
    const norm = steps[at + 1];
    const folds =
      isPlainConvolution(convolution) &&
      goesOn(at) &&
      norm?.layer.op.type === "BatchNormalization" &&
      norm.batchNormMode === "inference";
    if (!folds || op === undefined || !("strides" in op)) {
      units.push({ type: "layer", index, inputs: step.inputs, output: index });
      continue;
    }
    const next = goesOn(at + 1) ? steps[at + 2]?.layer.op : undefined;
    const relu = next?.type === "ReLU" ? next : undefined;
    const output = relu === undefined ? at + 1 : at + 2;
    const window = { strides: op.strides, padding: sumOfPaddings(op.padding, padding ?? NO_PADDING) };
    units.push({ type: "folded", index: at, inputs: step.inputs, output, window, relu });
    index = output;
  }
  return units;
}

import type { Padding } from "../model/layer.ts";
import { type PassStep, readersOf } from "./pass.ts";

/** Padding on padding. */
export function sumOfPaddings(a: Padding, b: Padding): Padding {
  return [
    [a[0][0] + b[0][0], a[0][1] + b[0][1]],
    [a[1][0] + b[1][0], a[1][1] + b[1][1]],
  ];
}

/**
 * Gives each padding layer to the convolution that alone reads it: the zeros are then never written. Indices stay; the
 * padding's own step is skipped.
 */
export function withoutPadding(steps: readonly PassStep[]): readonly PassStep[] {
  const merged = [...steps];
  for (const [index, step] of steps.entries()) {
    const { op } = step.layer;
    const readers = readersOf(steps, index);
    const [at] = readers;
    const convolution = steps[at ?? -1];
    if (op.type !== "ZeroPadding2D" || readers.length !== 1 || at === undefined || convolution === undefined) continue;
    const { layer } = convolution;
    if (layer.op.type !== "Conv2D" && layer.op.type !== "DepthwiseConv2D") continue;
    const padding = sumOfPaddings(layer.op.padding, op.padding);
    merged[at] = { ...convolution, inputs: step.inputs, layer: { ...layer, op: { ...layer.op, padding } } };
    merged[index] = { ...step, inputs: [], skipped: true };
  }
  return merged;
}

import type { Layer } from "../model/layer.ts";
import { type Evidence, valuesOf } from "./evidence.ts";
import { KINK_TOLERANCE } from "./tolerances.ts";

/** Values of one ReLU that rounding carried to the other side of a kink. */
export interface Kink {
  readonly layer: string;
  /** Position of the layer in the network. */
  readonly index: number;
  readonly crossings: number;
}

/** Whether a ReLU passes gradient for an output value. */
function passes(value: number, maxValue: number | null): boolean {
  return value > 0 && (maxValue === null || value < maxValue);
}

/**
 * Looks for ReLU outputs that pass gradient in one run and not in the other, though they are nearly equal: there the
 * derivative jumps, and the gradients of everything below differ by more than rounding. Looks at the values that the
 * traces hold: all of a small layer, where one crossing matters, a sample of a large one.
 */
export function findKinks(a: Evidence, b: Evidence, layers: readonly Layer[]): readonly Kink[] {
  return layers.flatMap(({ name, op }, index) => {
    const [ours, theirs] = [a, b].map(({ firstStep }) => valuesOf(firstStep, `activations/${name}`));
    if (op.type !== "ReLU" || ours === undefined || theirs === undefined) return [];
    let crossings = 0;
    for (let at = 0; at < ours.length; at += 1) {
      const [x, y] = [ours[at] ?? Number.NaN, theirs[at] ?? Number.NaN];
      const crossed = passes(x, op.maxValue) !== passes(y, op.maxValue);
      if (crossed && Math.abs(x - y) <= KINK_TOLERANCE.distance) crossings += 1;
    }
    return crossings === 0 ? [] : [{ layer: name, index, crossings }];
  });
}

import type { Layer } from "../model/layer.ts";
import { type Evidence, valuesOf } from "./evidence.ts";
import { KINK_TOLERANCE } from "./tolerances.ts";

/** Values of one layer that rounding carried to the other side of a kink. */
export interface Kink {
  readonly layer: string;
  /** Position of the layer in the network. */
  readonly index: number;
  readonly crossings: number;
}

/** Where a layer's gradient jumps: at the ends of an open interval, of the values of this layer or of its input. */
interface KinkPlaces {
  readonly of: "input" | "output";
  readonly from: number;
  readonly to: number;
}

function placesOf({ op }: Layer): KinkPlaces | undefined {
  const relu = (maxValue: number | null): KinkPlaces => {
    return { of: "output", from: 0, to: maxValue ?? Number.POSITIVE_INFINITY };
  };
  switch (op.type) {
    case "ReLU":
      return relu(op.maxValue);
    case "Conv2D":
    case "DepthwiseConv2D":
      return op.activation === "relu" || op.activation === "relu6"
        ? relu(op.activation === "relu" ? null : 6)
        : undefined;
    case "Activation":
      return op.activation === "hard_silu" || op.activation === "hard_sigmoid"
        ? { of: "input", from: -3, to: 3 }
        : undefined;
    default:
      return undefined;
  }
}

/**
 * Looks for values at the kinks of activations that lie on one side in one run and on the other in another, though they
 * are nearly equal: there the derivative jumps, and the gradients of everything below differ by more than rounding.
 * Looks at the values that the traces hold: all of a small layer, where one crossing matters, a sample of a large one.
 */
export function findKinks(a: Evidence, b: Evidence, layers: readonly Layer[]): readonly Kink[] {
  return layers.flatMap((layer, index) => {
    const places = placesOf(layer);
    if (places === undefined) return [];
    const { of, from, to } = places;
    const key = `activations/${of === "output" ? layer.name : layer.inputs[0]}`;
    const [ours, theirs] = [a, b].map(({ firstStep }) => valuesOf(firstStep, key));
    if (ours === undefined || theirs === undefined) return [];
    const isInside = (value: number): boolean => value > from && value < to;
    let crossings = 0;
    for (let at = 0; at < ours.length; at += 1) {
      const [x, y] = [ours[at] ?? Number.NaN, theirs[at] ?? Number.NaN];
      if (isInside(x) !== isInside(y) && Math.abs(x - y) <= KINK_TOLERANCE.distance) crossings += 1;
    }
    return crossings === 0 ? [] : [{ layer: layer.name, index, crossings }];
  });
}

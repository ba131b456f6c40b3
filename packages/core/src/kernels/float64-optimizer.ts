import { sizeOf } from "../model/layer.ts";
import { at, elementwise, type Float64Tensor, float64Zeros } from "./float64-tensor.ts";
import type { Kernels, OptimizerUpdate } from "./kernels.ts";

/** A value and the magnitudes that it was computed from. */
type Conditioned = readonly [value: number, scale: number];

/** The next weight and slots of one element. */
interface ElementUpdate {
  readonly weight: Conditioned;
  readonly slots: readonly Conditioned[];
}

/** A weighted sum of two values. */
function blend(first: number, firstWeight: number, second: number, secondWeight: number): Conditioned {
  const [a, b] = [first * firstWeight, second * secondWeight];
  return [a + b, Math.abs(a) + Math.abs(b)];
}

/** `from + (to - from) · weight`, whose difference may be larger than both its parts in the blend. */
function approach(from: number, to: number, weight: number): Conditioned {
  return [from * (1 - weight) + to * weight, Math.abs(from) * (1 + weight) + Math.abs(to) * weight];
}

/** `w - factor · value / divisor`; `relative` is the divisor's condition over its value. */
function descend(
  weight: number,
  [value, scale]: Conditioned,
  factor: number,
  divisor: number,
  relative: number,
): Conditioned {
  const step = (factor * value) / divisor;
  return [weight - step, Math.abs(weight) + (Math.abs(factor) * scale) / divisor + Math.abs(step) * relative];
}

/** Keras 3's update rules for one weight. */
function updateElement(
  update: OptimizerUpdate,
  weight: number,
  gradient: number,
  slots: readonly number[],
): ElementUpdate {
  switch (update.type) {
    case "sgd": {
      if (update.momentum === 0)
        return { weight: descend(weight, [gradient, Math.abs(gradient)], update.stepSize, 1, 1), slots: [] };
      const momentum = blend(at(slots, 0), update.momentum, gradient, -update.stepSize);
      const [value, scale] = momentum;
      const step = update.nesterov ? blend(value, update.momentum, gradient, -update.stepSize) : momentum;
      return { weight: [weight + step[0], Math.abs(weight) + scale + step[1]], slots: [momentum] };
    }
    case "rmsprop": {
      const { rho, epsilon } = update;
      const velocity = blend(at(slots, 0), rho, gradient ** 2, 1 - rho);
      const average = update.centered ? [blend(at(slots, update.momentum > 0 ? 2 : 1), rho, gradient, 1 - rho)] : [];
      const [mean, meanScale] = average[0] ?? [0, 0];
      const spread = velocity[0] - mean ** 2 + epsilon;
      const spreadScale = velocity[1] + 2 * Math.abs(mean) * meanScale + epsilon;
      const descent = descend(
        0,
        [gradient, Math.abs(gradient)],
        update.stepSize,
        Math.sqrt(spread),
        spreadScale / spread,
      );
      if (!(update.momentum > 0)) {
        return { weight: [weight + descent[0], Math.abs(weight) + descent[1]], slots: [velocity, ...average] };
      }
      const kept = at(slots, 1) * update.momentum;
      const momentum: Conditioned = [kept - descent[0], Math.abs(kept) + descent[1]];
      return {
        weight: [weight - momentum[0], Math.abs(weight) + momentum[1]],
        slots: [velocity, momentum, ...average],
      };
    }
    case "adam": {
      const [m, v] = [at(slots, 0), at(slots, 1)];
      const mean = approach(m, gradient, 1 - update.beta1);
      const square = approach(v, gradient ** 2, 1 - update.beta2);
      const root = Math.sqrt(square[0]);
      const divisor = root + update.epsilon;
      const relative = 1 + (square[0] > 0 ? (square[1] / square[0]) * (root / divisor) : 0);
      return { weight: descend(weight, mean, update.stepSize, divisor, relative), slots: [mean, square] };
    }
  }
}

function flatten(tensors: readonly Float64Tensor[]): number[] {
  return tensors.flatMap((tensor) => [...tensor.data]);
}

/** The optimizer step as a loop over single weights. */
export function float64Optimizers(
  release: (tensor: Float64Tensor) => void,
): Pick<Kernels<Float64Tensor>, "optimizerSlots" | "optimizerStep"> {
  const slotsOf = (update: OptimizerUpdate): number => {
    if (update.type === "adam") return 2;
    if (update.type === "sgd") return update.momentum === 0 ? 0 : 1;
    return 1 + Number(update.momentum > 0) + Number(update.centered);
  };

  return {
    optimizerSlots: (update, totalSize) => Array.from({ length: slotsOf(update) }, () => float64Zeros([totalSize], 1)),
    optimizerStep(update, weights, gradients, slots) {
      const [flatWeights, flatGradients] = [flatten(weights), flatten(gradients)];
      const elements = flatWeights.map((weight, index) =>
        updateElement(
          update,
          weight,
          at(flatGradients, index),
          slots.map((slot) => at(slot.data, index)),
        ),
      );
      const elementAt = (index: number): ElementUpdate => {
        const element = elements[index];
        if (element === undefined) throw new RangeError(`float64 reference: weight ${index} of ${elements.length}`);
        return element;
      };
      let offset = 0;
      const nextWeights = weights.map(({ shape }) => {
        const start = offset;
        offset += sizeOf(shape);
        return elementwise(shape, (index) => elementAt(start + index).weight);
      });
      const nextSlots = slots.map((slot, which) =>
        elementwise(slot.shape, (index) => elementAt(index).slots[which] ?? [0, 0]),
      );
      for (const consumed of [...weights, ...gradients, ...slots]) release(consumed);
      return { weights: nextWeights, slots: nextSlots };
    },
  };
}

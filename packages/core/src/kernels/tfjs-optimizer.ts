import type { Tensor } from "@tensorflow/tfjs-core";
import { sizeOf } from "../model/layer.ts";
import type { Kernels, OptimizerUpdate } from "./kernels.ts";
import type { Tfjs } from "./tfjs-kernels.ts";

/** Number of slots that an optimizer keeps for every weight. */
function slotCount(update: OptimizerUpdate): number {
  switch (update.type) {
    case "sgd":
      return update.momentum === 0 ? 0 : 1;
    case "rmsprop":
      return 1 + (update.momentum > 0 ? 1 : 0) + (update.centered ? 1 : 0);
    case "adam":
      return 2;
  }
}

/** A flat weight vector and its slots after a step. */
interface FlatUpdate {
  readonly weights: Tensor;
  readonly slots: readonly Tensor[];
}

/** Computes an update of flat tensors `[total size]`; consumes nothing. */
type FlatStep = (update: OptimizerUpdate, weights: Tensor, gradients: Tensor, slots: readonly Tensor[]) => FlatUpdate;

function slotAt(slots: readonly Tensor[], index: number): Tensor {
  const slot = slots[index];
  if (slot === undefined) throw new Error(`optimizerStep: slot ${index} is missing`);
  return slot;
}

/** The formulas of Keras 3's optimizers, in its order of operations. */
function flatStep(tf: Tfjs): FlatStep {
  return (update, weights, gradients, slots) => {
    switch (update.type) {
      case "sgd": {
        const delta = tf.mul(gradients, update.stepSize);
        if (update.momentum === 0) return { weights: tf.sub(weights, delta), slots: [] };
        const momentum = tf.sub(tf.mul(slotAt(slots, 0), update.momentum), delta);
        const step = update.nesterov ? tf.sub(tf.mul(momentum, update.momentum), delta) : momentum;
        return { weights: tf.add(weights, step), slots: [momentum] };
      }
      case "rmsprop": {
        const { rho } = update;
        const decay = (slot: Tensor, value: Tensor): Tensor => tf.add(tf.mul(slot, rho), tf.mul(value, 1 - rho));
        const velocity = decay(slotAt(slots, 0), tf.square(gradients));
        const average = update.centered ? [decay(slotAt(slots, update.momentum > 0 ? 2 : 1), gradients)] : [];
        const spread = average[0] === undefined ? velocity : tf.sub(velocity, tf.square(average[0]));
        const delta = tf.div(tf.mul(gradients, update.stepSize), tf.sqrt(tf.add(spread, update.epsilon)));
        if (!(update.momentum > 0)) return { weights: tf.sub(weights, delta), slots: [velocity, ...average] };
        const momentum = tf.add(tf.mul(slotAt(slots, 1), update.momentum), delta);
        return { weights: tf.sub(weights, momentum), slots: [velocity, momentum, ...average] };
      }
      case "adam": {
        const [m, v] = [slotAt(slots, 0), slotAt(slots, 1)];
        const mean = tf.add(m, tf.mul(tf.sub(gradients, m), 1 - update.beta1));
        const square = tf.add(v, tf.mul(tf.sub(tf.square(gradients), v), 1 - update.beta2));
        const delta = tf.div(tf.mul(mean, update.stepSize), tf.add(tf.sqrt(square), update.epsilon));
        return { weights: tf.sub(weights, delta), slots: [mean, square] };
      }
    }
  };
}

/**
 * The optimizer step over a group of weights: flattened, so that a step costs a handful of ops however many weights
 * there are.
 */
export function optimizerKernels(tf: Tfjs): Pick<Kernels<Tensor>, "optimizerSlots" | "optimizerStep"> {
  const step = flatStep(tf);
  const flatten = (tensors: readonly Tensor[]): Tensor => {
    // Two weights in three are vectors already, and a reshape is an operation.
    const [first, ...others] = tensors.map((tensor) => (tensor.rank === 1 ? tensor : tf.reshape(tensor, [-1])));
    if (first === undefined) throw new Error("optimizerStep: a group of weights must not be empty");
    return others.length === 0 ? first : tf.concat([first, ...others]);
  };

  function unflatten(flat: Tensor, shapes: readonly (readonly number[])[]): Tensor[] {
    const parts = shapes.length === 1 ? [flat] : tf.split(flat, shapes.map(sizeOf));
    return parts.map((part, index) => {
      const shape = shapes[index] ?? [];
      return shape.length === 1 ? part : tf.reshape(part, [...shape]);
    });
  }

  return {
    optimizerSlots: (update, totalSize) => Array.from({ length: slotCount(update) }, () => tf.zeros([totalSize])),
    optimizerStep(update, weights, gradients, slots) {
      const result = tf.tidy(() => {
        const next = step(update, flatten(weights), flatten(gradients), slots);
        return {
          weights: unflatten(
            next.weights,
            weights.map((weight) => weight.shape),
          ),
          slots: [...next.slots],
        };
      });
      for (const consumed of [...weights, ...gradients, ...slots]) consumed.dispose();
      return result;
    },
  };
}

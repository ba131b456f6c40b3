import { ThawError } from "../error.ts";
import type { DeviceTensor, Kernels, OptimizerUpdate } from "../kernels/kernels.ts";
import type { HostTensor, NamedTensors } from "../model/safetensors.ts";
import type { OptimizerSpec } from "../spec/schema.ts";
import { exactly, uploadExactly } from "./exact-transfer.ts";
import { learningRateAt } from "./schedule.ts";
import type { Variables } from "./variables.ts";

/** Weights that share a learning-rate multiplier. */
export interface ParameterGroup {
  readonly lrMultiplier: number;
  /** Variable names in Keras's order. */
  readonly names: readonly string[];
}

/**
 * The numbers of one update.
 * @param step updates done before, 0 for the first
 * @see keras.optimizers.Adam: the bias corrections are folded into the step size, epsilon stands outside the root
 */
export function optimizerUpdate(spec: OptimizerSpec, step: number, lrMultiplier: number): OptimizerUpdate {
  const rate = learningRateAt(spec.learningRate, step) * lrMultiplier;
  switch (spec.name) {
    case "adam": {
      const { beta1, beta2, epsilon } = spec;
      const time = step + 1;
      const stepSize = (rate * Math.sqrt(1 - beta2 ** time)) / (1 - beta1 ** time);
      return { type: "adam", stepSize, beta1, beta2, epsilon };
    }
    case "sgd":
      return { type: "sgd", stepSize: rate, momentum: spec.momentum, nesterov: spec.nesterov };
    case "rmsprop": {
      const { rho, momentum, epsilon, centered } = spec;
      return { type: "rmsprop", stepSize: rate, rho, momentum, epsilon, centered };
    }
  }
}

/** An optimizer with its slots on the device. Holds device memory until it is disposed of. */
export class Optimizer<T extends DeviceTensor> {
  readonly #kernels: Kernels<T>;
  readonly #spec: OptimizerSpec;
  readonly #groups: readonly ParameterGroup[];
  #slots: (readonly T[])[];
  #step = 0;

  constructor(kernels: Kernels<T>, spec: OptimizerSpec, groups: readonly ParameterGroup[], variables: Variables<T>) {
    this.#kernels = kernels;
    this.#spec = spec;
    this.#groups = groups;
    this.#slots = groups.map(({ names, lrMultiplier }) => {
      const sizes = names.map((name) => variables.get(name).shape.reduce((a, b) => a * b, 1));
      const total = sizes.reduce((a, b) => a + b, 0);
      return kernels.optimizerSlots(optimizerUpdate(spec, 0, lrMultiplier), total);
    });
  }

  /** Rate that the next update uses, before multipliers. */
  get learningRate(): number {
    return learningRateAt(this.#spec.learningRate, this.#step);
  }

  /** Updates done so far. */
  get updates(): number {
    return this.#step;
  }

  /** Reads the slots back, by group and place: `0/1` is the second slot of the first group. */
  async download(): Promise<Map<string, HostTensor>> {
    const values = new Map<string, HostTensor>();
    for (const [group, slots] of this.#slots.entries()) {
      for (const [place, slot] of slots.entries()) values.set(`${group}/${place}`, await exactly(this.#kernels, slot));
    }
    return values;
  }

  /**
   * Goes on where another optimizer of the same spec and groups stood.
   * @param updates that were done
   * @param slots what {@link download} gave
   */
  restore(updates: number, slots: NamedTensors): void {
    this.#step = updates;
    this.#slots = this.#slots.map((old, group) =>
      old.map((slot, place) => {
        const value = slots.get(`${group}/${place}`);
        if (value?.shape.join() !== slot.shape.join()) {
          throw new ThawError("internal", `Slot ${group}/${place} of the optimizer is not the one that was saved.`);
        }
        this.#kernels.dispose(slot);
        return uploadExactly(this.#kernels, value);
      }),
    );
  }

  /** Applies gradients by variable name and frees them. */
  apply(variables: Variables<T>, gradients: ReadonlyMap<string, T>): void {
    for (const [index, { names, lrMultiplier }] of this.#groups.entries()) {
      const update = optimizerUpdate(this.#spec, this.#step, lrMultiplier);
      const weights = names.map((name) => variables.get(name));
      const groupGradients = names.map((name) => {
        const gradient = gradients.get(name);
        if (gradient === undefined) throw new ThawError("internal", `There is no gradient for "${name}".`);
        return gradient;
      });
      const next = this.#kernels.optimizerStep(update, weights, groupGradients, this.#slots[index] ?? []);
      this.#slots[index] = next.slots;
      for (const [position, name] of names.entries()) {
        const weight = next.weights[position];
        if (weight !== undefined) variables.replace(name, weight, "consumed");
      }
    }
    this.#step += 1;
  }

  dispose(): void {
    for (const slots of this.#slots) for (const slot of slots) this.#kernels.dispose(slot);
    this.#slots = [];
  }
}

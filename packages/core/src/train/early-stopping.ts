import type { Spec } from "../spec/schema.ts";

type EarlyStoppingSpec = NonNullable<Spec["earlyStopping"]>;

/** What early stopping says after an epoch. */
export interface EarlyStoppingVerdict {
  readonly improved: boolean;
  readonly stop: boolean;
}

/** What early stopping remembers of the epochs before. */
export interface EarlyStoppingState {
  /** Best value so far; absent before the first epoch. */
  readonly best?: number;
  /** Epochs since. */
  readonly waited: number;
}

/**
 * Watches one metric, higher or lower being better by its name. Compares in float32, as Keras does: differences below
 * that are no improvement.
 * @see keras.callbacks.EarlyStopping: stops once `patience` epochs in a row brought no improvement over `minDelta`
 */
export class EarlyStopping {
  readonly #spec: EarlyStoppingSpec;
  #best: number | undefined;
  #waited = 0;

  /** @param state of a run that this one goes on with */
  constructor(spec: EarlyStoppingSpec, state?: EarlyStoppingState) {
    this.#spec = spec;
    this.#best = state?.best;
    this.#waited = state?.waited ?? 0;
  }

  get state(): EarlyStoppingState {
    return { ...(this.#best === undefined ? {} : { best: this.#best }), waited: this.#waited };
  }

  /** @param values the epoch's metrics by monitor name */
  observe(values: Readonly<Partial<Record<EarlyStoppingSpec["monitor"], number>>>): EarlyStoppingVerdict {
    const value = values[this.#spec.monitor] ?? Number.NaN;
    const sign = this.#spec.monitor.toLowerCase().endsWith("accuracy") ? 1 : -1;
    const improved =
      this.#best === undefined || Math.fround(sign * value - this.#spec.minDelta) > Math.fround(sign * this.#best);
    this.#waited = improved ? 0 : this.#waited + 1;
    if (improved) this.#best = value;
    return { improved, stop: !improved && this.#waited >= this.#spec.patience };
  }
}

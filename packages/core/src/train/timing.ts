/** Median of numbers; null of none. */
export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2;
}

/** Milliseconds to a hundredth: finer digits of a clock are noise. */
export function roundMs(ms: number): number {
  return Math.round(ms * 100) / 100;
}

/** Parts of an epoch's training time. */
export interface EpochParts {
  /** Assembling batches of images. */
  readonly inputMs: number;
  /** The frozen prefix, or fetching its outputs. */
  readonly prefixMs: number;
  readonly forwardMs: number;
  readonly backwardMs: number;
  readonly optimizerMs: number;
}

/**
 * Adds up the parts of steps. On a device that works while the program goes on, a part is the time until it was handed
 * over, and waiting falls to the part that reads a result back.
 */
export class StepParts {
  readonly #now: () => number;
  readonly #totals = { input: 0, prefix: 0, forward: 0, backward: 0, optimizer: 0 };
  #since = 0;

  /** @param before totals of the steps that another process did */
  constructor(now: () => number, before?: EpochParts) {
    this.#now = now;
    if (before === undefined) return;
    const { inputMs, prefixMs, forwardMs, backwardMs, optimizerMs } = before;
    Object.assign(this.#totals, {
      input: inputMs,
      prefix: prefixMs,
      forward: forwardMs,
      backward: backwardMs,
      optimizer: optimizerMs,
    });
  }

  start(): void {
    this.#since = this.#now();
  }

  /** Ends a part: it took the time since the last one ended. */
  lap(part: keyof EpochParts extends `${infer P}Ms` ? P : never): void {
    const now = this.#now();
    this.#totals[part] += now - this.#since;
    this.#since = now;
  }

  /** Counts what a function takes as `part` and not as the part that it is called in. */
  timed<A extends unknown[], R>(part: "input", work: (...args: A) => R): (...args: A) => R {
    return (...args) => {
      const startedMs = this.#now();
      const result = work(...args);
      const ms = this.#now() - startedMs;
      this.#totals[part] += ms;
      this.#since += ms;
      return result;
    };
  }

  totals(): EpochParts {
    const { input, prefix, forward, backward, optimizer } = this.#totals;
    return {
      inputMs: roundMs(input),
      prefixMs: roundMs(prefix),
      forwardMs: roundMs(forward),
      backwardMs: roundMs(backward),
      optimizerMs: roundMs(optimizer),
    };
  }
}

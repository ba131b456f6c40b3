import type { LearningRateSpec } from "../spec/schema.ts";

/**
 * Learning rate at an optimizer step.
 * @param step updates done before, 0 for the first
 * @see keras.optimizers.schedules
 */
export function learningRateAt(rate: LearningRateSpec, step: number): number {
  if (typeof rate === "number") return rate;
  switch (rate.schedule) {
    case "cosine": {
      const peak = rate.warmupTarget ?? rate.initial;
      if (step < rate.warmupSteps) {
        const start = rate.warmupTarget === undefined ? 0 : rate.initial;
        return start + ((peak - start) * step) / rate.warmupSteps;
      }
      const done = Math.min(step - rate.warmupSteps, rate.decaySteps) / rate.decaySteps;
      const cosine = 0.5 * (1 + Math.cos(Math.PI * done));
      return peak * ((1 - rate.alpha) * cosine + rate.alpha);
    }
    case "exponential": {
      const exponent = step / rate.decaySteps;
      return rate.initial * rate.decayRate ** (rate.staircase ? Math.floor(exponent) : exponent);
    }
    case "piecewise": {
      const index = rate.boundaries.findIndex((boundary) => step <= boundary);
      return rate.values[index < 0 ? rate.values.length - 1 : index] ?? 0;
    }
  }
}

/** The rate a schedule starts from, for tables. */
export function initialLearningRate(rate: LearningRateSpec): number {
  return typeof rate === "number" ? rate : rate.schedule === "piecewise" ? (rate.values[0] ?? 0) : rate.initial;
}

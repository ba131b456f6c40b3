/** How far a run is. */
export interface Progress {
  readonly step: number;
  readonly steps: number;
  readonly epoch: number;
  readonly epochs: number;
  /** Of the last steps; null before the first. */
  readonly imagesPerSecond: number | null;
  /** Null before anything can be said. */
  readonly secondsLeft: number | null;
}

/** Steps that the rate is taken of. */
const RECENT = 10;

/** Follows a run by its steps and epochs. */
export interface ProgressMeter {
  step(at: { readonly ms: number; readonly images: number; readonly step: number; readonly epoch: number }): void;
  /** An epoch is over; evaluation took so long. */
  epoch(evaluateMs: number): void;
  read(): Progress;
}

/**
 * Starts to follow a run. What is left is judged by the last epoch where there is one, whose successors take as long: the
 * first also compiles shaders and computes what is frozen.
 */
export function progressMeter(steps: number, epochs: number): ProgressMeter {
  const recent: { ms: number; images: number }[] = [];
  let [step, epoch, epochMs, finished] = [0, 1, 0, 0];
  let lastEpochMs: number | undefined;
  return {
    step(at) {
      recent.push(at);
      if (recent.length > RECENT) recent.shift();
      step = at.step;
      epoch = at.epoch;
      epochMs += at.ms;
    },
    epoch(evaluateMs) {
      lastEpochMs = epochMs + evaluateMs;
      epochMs = 0;
      finished += 1;
    },
    read() {
      const ms = recent.reduce((sum, one) => sum + one.ms, 0);
      const images = recent.reduce((sum, one) => sum + one.images, 0);
      const perStep = recent.length === 0 ? undefined : ms / recent.length;
      const leftMs =
        lastEpochMs === undefined
          ? perStep === undefined
            ? undefined
            : perStep * (steps - step)
          : Math.max(0, lastEpochMs * (epochs - finished) - epochMs);
      return {
        step,
        steps,
        epoch,
        epochs,
        imagesPerSecond: ms === 0 ? null : (images / ms) * 1000,
        secondsLeft: leftMs === undefined ? null : leftMs / 1000,
      };
    },
  };
}

/** A time as a person says it: `about 2 min`. */
export function spokenTime(seconds: number): string {
  if (seconds < 1) return "less than 1 s";
  if (seconds < 90) return `about ${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `about ${Math.round(seconds / 60)} min`;
  return `about ${(seconds / 3600).toFixed(1)} h`;
}

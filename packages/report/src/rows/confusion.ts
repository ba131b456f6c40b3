import { confusionCounts, type Result } from "@thaw/core";
import type { Part } from "./score.ts";

/** Images by true class (rows) and predicted class (columns). */
export interface Confusion {
  readonly classes: readonly string[];
  readonly counts: readonly (readonly number[])[];
}

/**
 * Counts predictions over one run or several.
 * @returns null where a result does not say which images were held out (Thaw 0.1), or has no such part
 */
export function confusionOf(runs: readonly Result[], part: Part): Confusion | null {
  const classes = runs[0]?.data.classes ?? [];
  const labels: number[] = [];
  for (const { data } of runs) {
    if (data.heldOut === undefined) return null;
    labels.push(...data.heldOut[part].labels);
  }
  const predictions = runs.flatMap((run) => run.predictions[part]);
  return labels.length === 0 ? null : { classes, counts: confusionCounts(classes.length, labels, predictions) };
}

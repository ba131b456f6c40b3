import type { Result } from "@thaw/core";
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
  const counts = classes.map(() => classes.map(() => 0));
  let images = 0;
  for (const { data, predictions } of runs) {
    if (data.heldOut === undefined) return null;
    for (const [index, label] of data.heldOut[part].labels.entries()) {
      const row = counts[label];
      const predicted = predictions[part][index];
      if (row === undefined || predicted === undefined) continue;
      row[predicted] = (row[predicted] ?? 0) + 1;
      images += 1;
    }
  }
  return images === 0 ? null : { classes, counts };
}

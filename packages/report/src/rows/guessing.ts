import type { Result } from "@thaw/core";
import type { Part } from "./score.ts";

/**
 * Accuracy of always naming the commonest class of a part, mean over the seeds; of results that do not say which images
 * were held out, of guessing among all classes alike.
 * @returns 0…1
 */
export function guessingAccuracy({ runs }: { readonly runs: readonly Pick<Result, "data">[] }, part: Part): number {
  const shares = runs.map(({ data }) => {
    const labels = data.heldOut?.[part].labels ?? [];
    if (labels.length === 0) return 1 / data.classes.length;
    const counts = data.classes.map((_, index) => labels.filter((label) => label === index).length);
    return Math.max(...counts) / labels.length;
  });
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

import { confusionCounts } from "@thaw/core";

/** A photo that was held out, and what the network took it for. */
export interface Judged {
  /** Of the dataset. */
  readonly image: number;
  readonly label: number;
  readonly predicted: number;
}

/** Puts predictions beside labels. */
export function judge(
  images: readonly number[],
  labels: readonly number[],
  predictions: readonly number[],
): readonly Judged[] {
  return images.map((image, at) => ({ image, label: labels[image] ?? -1, predicted: predictions[at] ?? -1 }));
}

/** Counts: a row for each class that photos are of, a column for each that they were taken for. */
export function confusionMatrix(judged: readonly Judged[], classCount: number): readonly (readonly number[])[] {
  return confusionCounts(
    classCount,
    judged.map(({ label }) => label),
    judged.map(({ predicted }) => predicted),
  );
}

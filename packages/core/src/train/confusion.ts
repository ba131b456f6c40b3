/**
 * Counts images by class (row) and by what they were taken for (column).
 * @param labels class index of each image; one that is no class is left out
 * @param predictions of the same images
 */
export function confusionCounts(
  classCount: number,
  labels: readonly number[],
  predictions: readonly number[],
): readonly (readonly number[])[] {
  const counts = Array.from({ length: classCount }, () => new Array<number>(classCount).fill(0));
  for (const [image, prediction] of predictions.entries()) {
    const row = counts[labels[image] ?? -1];
    if (row !== undefined) row[prediction] = (row[prediction] ?? 0) + 1;
  }
  return counts;
}

import type { Dataset, DataWarning } from "@thaw/core";

/** The images that share a content, as groups of indices, in order of their first image. */
export function sameContent(hashes: readonly string[]): number[][] {
  const groups = new Map<string, number[]>();
  for (const [index, hash] of hashes.entries()) {
    const group = groups.get(hash);
    if (group === undefined) groups.set(hash, [index]);
    else group.push(index);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

/** Reports images whose files are the same, byte for byte: within a class, and under different classes (labels conflict). */
export function duplicateWarnings(dataset: Pick<Dataset, "hashes" | "ids" | "labels">): DataWarning[] {
  const groups = sameContent(dataset.hashes);
  const named = (group: readonly number[]): string => group.map((index) => dataset.ids[index]).join(" = ");
  const conflicts = (group: readonly number[]): boolean =>
    new Set(group.map((index) => dataset.labels[index])).size > 1;
  const conflicting = groups.filter(conflicts).map(named);
  const repeated = groups.filter((group) => !conflicts(group)).map(named);
  const warnings: DataWarning[] = [];
  if (conflicting.length > 0) {
    const message = `Labels conflict: the same file lies under more than one class (${conflicting.length} such files).`;
    warnings.push({ code: "duplicate", message, items: conflicting });
  }
  if (repeated.length > 0) {
    const message = `The same file lies more than once in its class (${repeated.length} such files).`;
    warnings.push({ code: "duplicate", message, items: repeated });
  }
  return warnings;
}

/**
 * Reports images that lie in more than one split, by content: they make the held-out figures too good.
 * @param splits indices of the images of each split, by its name
 */
export function duplicatesAcrossSplits<Split extends string>(
  dataset: Pick<Dataset, "hashes" | "ids">,
  splits: Readonly<Record<Split, readonly number[]>>,
): DataWarning[] {
  const places = Object.entries<readonly number[]>(splits).flatMap(([split, indices]) =>
    indices.map((index) => ({ split, index })),
  );
  const hashes = places.map(({ index }) => {
    const hash = dataset.hashes[index];
    if (hash === undefined) throw new RangeError(`No image ${index} in a set of ${dataset.hashes.length}.`);
    return hash;
  });
  const items = sameContent(hashes)
    .map((group) => group.flatMap((place) => places[place] ?? []))
    .filter((group) => new Set(group.map(({ split }) => split)).size > 1)
    .map((group) => group.map(({ split, index }) => `${split}: ${dataset.ids[index]}`).join(" = "));
  if (items.length === 0) return [];
  const message = `The same image lies in more than one split (${items.length} such images), so held-out figures are too good.`;
  return [{ code: "duplicate-across-splits", message, items }];
}

/** Reports the classes that a split has no image of; a split without any image is left out. */
export function classesMissing<Split extends string>(
  dataset: Pick<Dataset, "labels" | "classes">,
  splits: Readonly<Record<Split, readonly number[]>>,
): DataWarning[] {
  return Object.entries<readonly number[]>(splits).flatMap(([split, indices]): DataWarning[] => {
    const present = new Set(indices.map((index) => dataset.labels[index]));
    const items = dataset.classes.filter((_, label) => !present.has(label));
    if (indices.length === 0 || items.length === 0) return [];
    const message = `The split "${split}" has no image of ${items.length} of the ${dataset.classes.length} classes: ${items.join(", ")}.`;
    return [{ code: "class-missing-in-split", message, items }];
  });
}

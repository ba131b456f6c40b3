import { randomStream, ThawError } from "@thaw/core";

/** Shares seats by Sainte-Laguë: each goes to the class that is furthest below its share; every class gets one first. */
function seatsPerClass(sizes: readonly number[], limit: number): number[] {
  const seats = sizes.map((size) => Math.min(1, size));
  let left = limit - seats.reduce((sum, count) => sum + count, 0);
  for (; left > 0; left -= 1) {
    let chosen = -1;
    for (const [index, size] of sizes.entries()) {
      const taken = seats[index] ?? 0;
      if (taken >= size) continue;
      // size / (2 taken + 1) compared in integers, so that ties are ties: the first class wins
      if (chosen < 0 || size * (2 * (seats[chosen] ?? 0) + 1) > (sizes[chosen] ?? 0) * (2 * taken + 1)) chosen = index;
    }
    seats[chosen] = (seats[chosen] ?? 0) + 1;
  }
  return seats;
}

/**
 * Chooses images by the seed, the same share of each class and at least one, and keeps their order.
 * A smaller limit chooses, within a class, among the images of a larger one.
 * @param labels class index per image
 * @param limit how many images at most; all without it
 * @returns indices of the chosen images, ascending
 * @throws ThawError `limit-too-small` for fewer images than classes
 */
export function chooseSubset(labels: readonly number[], limit: number | undefined, seed: number): number[] {
  if (limit === undefined || limit >= labels.length) return labels.map((_, index) => index);
  const byClass: number[][] = [];
  for (const [index, label] of labels.entries()) {
    byClass[label] ??= [];
    byClass[label].push(index);
  }
  const present = byClass.filter((members) => members !== undefined);
  if (limit < present.length) {
    throw new ThawError("limit-too-small", `data.limit is ${limit}, but the set has ${present.length} classes.`, {
      hint: `Set data.limit to ${present.length} or more, so that every class keeps an image.`,
      details: { limit, classes: present.length },
    });
  }
  const seats = seatsPerClass(
    present.map((members) => members.length),
    limit,
  );
  const chosen = present.flatMap((members, index) => {
    const label = labels[members[0] as number];
    return randomStream(seed, `limit/${label}`)
      .shuffle([...members])
      .slice(0, seats[index]);
  });
  return chosen.sort((first, second) => first - second);
}

import { ThawError } from "../error.ts";
import type { SplitSpec } from "../spec/schema.ts";
import type { Dataset } from "./dataset.ts";
import { randomStream } from "./random.ts";

/** Image numbers of each part, ascending; no image is in two. */
export interface Splits {
  readonly train: readonly number[];
  readonly validation: readonly number[];
  readonly test: readonly number[];
}

/** What a split goes by. */
type Labelled = Pick<Dataset, "source" | "classes" | "labels" | "groups">;
type Picker = (candidates: readonly number[], fraction: number, label: string) => ReadonlySet<number>;

/** Keras's `validation_split`: the last share of the data, the first part rounded down. */
const pickLast: Picker = (candidates, fraction) =>
  new Set(candidates.slice(Math.floor(candidates.length * (1 - fraction))));

function groupBy(items: readonly number[], key: (item: number) => string): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  for (const item of items) {
    const members = groups.get(key(item));
    if (members === undefined) groups.set(key(item), [item]);
    else members.push(item);
  }
  return groups;
}

/** The same share of every class, at least one image of each class that can spare it. */
function pickStratified(dataset: Labelled, seed: number): Picker {
  return (candidates, fraction, label) => {
    const picked = new Set<number>();
    for (const [name, members] of groupBy(candidates, (index) => String(dataset.labels[index]))) {
      const wanted = Math.round(members.length * fraction);
      const count = members.length < 2 ? 0 : Math.min(Math.max(wanted, 1), members.length - 1);
      const order = randomStream(seed, `split/${label}/${name}`).shuffle([...members]);
      for (const index of order.slice(0, count)) picked.add(index);
    }
    return picked;
  };
}

/** Sum over classes of the squared distance from the wanted count. */
function distance(counts: readonly number[], wanted: readonly number[]): number {
  return counts.reduce((sum, count, index) => sum + (count - (wanted[index] ?? 0)) ** 2, 0);
}

/** Whole groups, added greedily in seeded order as long as the class counts come closer to the wanted share. */
function pickGroups(dataset: Labelled, seed: number): Picker {
  return (candidates, fraction, label) => {
    const groups = dataset.groups;
    if (groups === undefined) {
      throw new ThawError("split-invalid", `split.by is "group", but ${dataset.source} names no groups.`, {
        hint: 'Use "stratified", or put photos that belong together into a folder inside their class: photos/boots/anna/1.jpg.',
      });
    }
    const countOf = (indices: readonly number[]): number[] => {
      const counts = dataset.classes.map(() => 0);
      for (const index of indices) {
        const label = dataset.labels[index] ?? 0;
        counts[label] = (counts[label] ?? 0) + 1;
      }
      return counts;
    };
    const wanted = countOf(candidates).map((count) => count * fraction);
    const byGroup = groupBy(candidates, (index) => groups[index] ?? "");
    const order = randomStream(seed, `split/${label}`).shuffle([...byGroup.keys()].sort());
    let counts = dataset.classes.map(() => 0);
    const picked = new Set<number>();
    for (const group of order) {
      const members = byGroup.get(group) ?? [];
      const next = countOf(members).map((count, index) => count + (counts[index] ?? 0));
      if (distance(next, wanted) >= distance(counts, wanted)) continue;
      counts = next;
      for (const index of members) picked.add(index);
    }
    return picked;
  };
}

/**
 * Splits a set into training, validation and test images. The test share is taken first, of everything; the
 * validation share is of what remains, as Keras's `validation_split` is.
 * @throws ThawError `split-invalid` where a part that was asked for would be empty
 */
export function splitDataset(dataset: Labelled, split: SplitSpec, seed: number): Splits {
  const pick =
    split.by === "last"
      ? pickLast
      : split.by === "stratified"
        ? pickStratified(dataset, seed)
        : pickGroups(dataset, seed);
  const all = dataset.labels.map((_, index) => index);
  const inTest = split.test === 0 ? new Set<number>() : pick(all, split.test, "test");
  const rest = all.filter((index) => !inTest.has(index));
  const inValidation = split.validation === 0 ? new Set<number>() : pick(rest, split.validation, "validation");
  const splits = {
    train: rest.filter((index) => !inValidation.has(index)),
    validation: rest.filter((index) => inValidation.has(index)),
    test: all.filter((index) => inTest.has(index)),
  };
  const empty = (
    [
      ["train", true],
      ["validation", split.validation > 0],
      ["test", split.test > 0],
    ] as const
  ).find(([part, asked]) => asked && splits[part].length === 0);
  if (empty !== undefined) {
    throw new ThawError("split-invalid", `The ${empty[0]} part of ${dataset.source} (${all.length} images) is empty.`, {
      hint: "Add images, or change split.validation and split.test.",
    });
  }
  return splits;
}

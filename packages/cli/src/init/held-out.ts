import { type SplitSpec, type Splits, splitDataset, ThawError } from "@thaw/core";
import type { PhotoSet } from "./photo-set.ts";

/** What is held out of a set, and what that leaves. */
export interface HeldOut {
  readonly split: SplitSpec;
  readonly trainImages: number;
  readonly validationImages: number;
  readonly testImages: number;
  /** Why the images are dealt out as they are. */
  readonly byReason: string;
}

/** Share of small, middling and large sets: enough images to judge by, and as many as possible to learn from. */
const SHARES = [
  { below: 500, share: 0.2 },
  { below: 2000, share: 0.15 },
  { below: Number.POSITIVE_INFINITY, share: 0.1 },
] as const;

function splitOf(set: PhotoSet, split: SplitSpec, seed: number): Splits {
  return splitDataset({ source: "the folder", ...set }, split, seed);
}

/** The split by whole groups, where there are groups enough that every class comes out in each of its parts. */
function groupSplit(set: PhotoSet, split: SplitSpec, seed: number): Splits | undefined {
  if (set.groups === undefined) return undefined;
  try {
    const splits = splitOf(set, split, seed);
    const classes = new Set(set.labels).size;
    const isWhole = Object.values(splits).every(
      (part: readonly number[]) => new Set(part.map((index) => set.labels[index])).size === classes,
    );
    return isWhole ? splits : undefined;
  } catch (error) {
    if (error instanceof ThawError && error.code === "split-invalid") return undefined;
    throw error;
  }
}

const STRATIFIED = "The same share of each class.";

/** Splits a set by its size, whole groups together where the folder has them. @param seed the spec's */
export function heldOutOf(set: PhotoSet, seed: number): HeldOut {
  const share = SHARES.find(({ below }) => set.labels.length < below)?.share ?? 0.2;
  const byGroup = { test: share, validation: share, by: "group" } as const;
  const stratified = { ...byGroup, by: "stratified" } as const;
  const groups = new Set(set.groups).size;
  const whole = groupSplit(set, byGroup, seed);
  const { train, validation, test } = whole ?? splitOf(set, stratified, seed);
  const byReason =
    whole !== undefined
      ? `Keeps the ${groups} groups whole that the folders inside of classes make, so that no series of photos lies on both sides of a split.`
      : set.groups === undefined
        ? `${STRATIFIED} Photos of one thing from several sides may lie on both sides of the split; folders inside of classes (boots/anna/1.jpg) would keep them together.`
        : `${STRATIFIED} The folders inside of classes make ${groups} groups, too few to hold whole ones out of every class.`;
  return {
    split: whole === undefined ? stratified : byGroup,
    trainImages: train.length,
    validationImages: validation.length,
    testImages: test.length,
    byReason,
  };
}

/** How far an accuracy of 80 % on so many images may be off, percentage points: 95 %, binomial. */
export function marginAt80(images: number): number {
  return 196 * Math.sqrt((0.8 * 0.2) / images);
}

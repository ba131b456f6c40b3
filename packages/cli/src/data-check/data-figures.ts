import type { FolderSurvey } from "@thaw/assets";

/** Smallest, middle and largest of some numbers. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** A class that has images. */
export interface ClassFigures {
  readonly name: string;
  readonly images: number;
  /** Part of all images, 0 to 1. */
  readonly share: number;
}

/** What a survey amounts to. */
export interface DataFigures {
  /** Readable images. */
  readonly images: number;
  readonly classes: readonly ClassFigures[];
  /** Null where no class has images. */
  readonly imbalance: {
    readonly largest: string;
    readonly smallest: string;
    /** Largest class ÷ smallest. */
    readonly ratio: number;
    /** Accuracy of who names the largest class every time, 0 to 1. */
    readonly baseline: number;
  } | null;
  /** Pixels, as seen; null without images. */
  readonly width: Spread | null;
  readonly height: Spread | null;
  /** Width ÷ height. */
  readonly aspectRatio: Spread | null;
  /** Images with a side below the network's input: they are enlarged. */
  readonly enlarged: number;
  /** Images that EXIF turns or mirrors. */
  readonly turned: number;
  /** Images by format, most first. */
  readonly formats: readonly { readonly format: string; readonly images: number }[];
}

function spreadOf(values: readonly number[]): Spread | null {
  const sorted = [...values].sort((a, b) => a - b);
  const [min] = sorted;
  const max = sorted.at(-1);
  if (min === undefined || max === undefined) return null;
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] ?? min;
  const high = sorted[Math.floor(middle)] ?? max;
  return { min, median: (low + high) / 2, max };
}

function imbalanceOf(classes: readonly ClassFigures[]): DataFigures["imbalance"] {
  const bySize = [...classes].sort((a, b) => b.images - a.images);
  const [largest] = bySize;
  const smallest = bySize.at(-1);
  if (largest === undefined || smallest === undefined) return null;
  return {
    largest: largest.name,
    smallest: smallest.name,
    ratio: largest.images / smallest.images,
    baseline: largest.share,
  };
}

function formatsOf(images: FolderSurvey["images"]): DataFigures["formats"] {
  const counts = new Map<string, number>();
  for (const { format } of images) counts.set(format, (counts.get(format) ?? 0) + 1);
  return [...counts].map(([format, count]) => ({ format, images: count })).sort((a, b) => b.images - a.images);
}

/** @param imageSize side of the network's input, pixels */
export function dataFigures(survey: FolderSurvey, imageSize: number): DataFigures {
  const { images } = survey;
  const classes = survey.classes
    .filter((surveyed) => surveyed.images > 0)
    .map(({ name, images: count }) => ({ name, images: count, share: count / images.length }));
  return {
    images: images.length,
    classes,
    imbalance: imbalanceOf(classes),
    width: spreadOf(images.map(({ width }) => width)),
    height: spreadOf(images.map(({ height }) => height)),
    aspectRatio: spreadOf(images.map(({ width, height }) => width / height)),
    enlarged: images.filter(({ width, height }) => Math.min(width, height) < imageSize).length,
    turned: images.filter(({ orientation }) => orientation !== null).length,
    formats: formatsOf(images),
  };
}

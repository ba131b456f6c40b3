import type { Result } from "@thaw/core";
import { meanInterval } from "@thaw/core/parity";
import { wilsonInterval } from "./proportion.ts";
import type { ReportRow } from "./report-rows.ts";

/** A held-out part of the images. */
export type Part = "validation" | "test";

/** How many images of a part one run put in the right class. */
export interface Count {
  readonly seed: number;
  readonly correct: number;
  readonly images: number;
}

/** A row's accuracy on a part. */
export interface Score {
  readonly counts: readonly [Count, ...Count[]];
  /** Mean over the seeds, 0…1. */
  readonly accuracy: number;
  /** Mean over the seeds. */
  readonly loss: number;
  /** 95 %, 0…1. */
  readonly interval: readonly [low: number, high: number];
  /** What the interval allows for: other images of the same kind, or other seeds. */
  readonly allowsFor: "images" | "seeds";
}

const ALPHA = 0.025;

function countOf(result: Result, part: Part): Count | null {
  const metrics = result.final[part];
  const images = result.data[part];
  return metrics === null || images === 0
    ? null
    : { seed: result.spec.seed, correct: Math.round(metrics.accuracy * images), images };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Accuracy of a row: of one seed with Wilson's interval, of several their mean with Student's. Where all seeds reach the
 * same, Student's interval would be a point, and Wilson's of one seed stands in for it.
 * @returns null where a run has no such part
 */
export function scoreOf({ runs }: ReportRow, part: Part): Score | null {
  const counts = runs.flatMap((run) => countOf(run, part) ?? []);
  const [first, ...others] = counts;
  if (first === undefined || counts.length < runs.length) return null;
  const accuracies = counts.map(({ correct, images }) => correct / images);
  const loss = mean(runs.map(({ final }) => final[part]?.loss ?? Number.NaN));
  const accuracy = mean(accuracies);
  const base = { counts: [first, ...others] as const, accuracy, loss };
  const spread = others.length > 0 && accuracies.some((value) => value !== accuracies[0]);
  if (!spread) return { ...base, interval: wilsonInterval(first.correct, first.images), allowsFor: "images" };
  const [low, high] = meanInterval(accuracies, ALPHA).interval;
  return { ...base, interval: [Math.max(0, low), Math.min(1, high)], allowsFor: "seeds" };
}

/** Means over the seeds of what a run took and how fast it was. */
export function paceOf({ runs }: ReportRow): { readonly minutes: number; readonly imagesPerSecond: number | null } {
  const speeds = runs.flatMap(({ timing }) => timing.imagesPerSecond ?? []);
  return {
    minutes: mean(runs.map(({ timing }) => timing.totalMs / 60_000)),
    imagesPerSecond: speeds.length === 0 ? null : mean(speeds),
  };
}

/** Accuracy on the training images in the last epoch, mean over the seeds. */
export function trainAccuracyOf({ runs }: ReportRow): number {
  return mean(runs.map(({ final }) => final.train.accuracy));
}

/** How many of its runs never left chance on their own training images. */
export function underTrainedRuns({ runs }: ReportRow): number {
  return runs.filter(({ underTrained }) => underTrained).length;
}

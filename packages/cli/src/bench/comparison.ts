import { ThawError } from "@thaw/core";
import type { BenchReport, Machine, MeasuredSubject, Sample } from "./bench-report.ts";
import { MEASURES, type Measure, valuesOf } from "./measures.ts";
import { type RatioInterval, ratioOfMedians } from "./statistics.ts";

/** `few`: too few runs to judge by. */
export type Verdict = "better" | "worse" | "same" | "few";

/** One measure of one subject at one depth, now and before. */
export interface ComparedMeasure {
  readonly subject: string;
  readonly depth: string;
  readonly batchSize: number;
  readonly measure: Measure;
  /** Above 1 is better, whatever is measured. */
  readonly gain: RatioInterval;
  /** Of the side that has fewer. */
  readonly runs: number;
  readonly verdict: Verdict;
}

/** Two recordings beside each other. */
export interface Comparison {
  readonly rows: readonly ComparedMeasure[];
  /** Subjects that only one of them has, with the reason. */
  readonly left: readonly string[];
  /** Whether a runner got worse; what a baseline does is nobody's regression. */
  readonly regressed: boolean;
}

/** Fewer runs have no spread worth the name. */
export const FEWEST_RUNS = 3;

/**
 * How much better ours are: a ratio of medians, turned so that above 1 is better.
 * @param ours and theirs at least one value each
 */
export function gainOf(measure: Measure, ours: readonly number[], theirs: readonly number[]): RatioInterval {
  return measure.better === "more" ? ratioOfMedians(ours, theirs) : ratioOfMedians(theirs, ours);
}

/**
 * Judges by the whole interval: worse where all of it lies below 1 - threshold, better where all of it lies above
 * 1 + threshold.
 */
export function verdictOf({ low, high }: RatioInterval, threshold: number): Exclude<Verdict, "few"> {
  if (high < 1 - threshold) return "worse";
  return low > 1 + threshold ? "better" : "same";
}

const MACHINE_FIELDS: readonly (keyof Machine)[] = ["processor", "cores", "arch"];

/** Why two recordings are not of the same thing; none where they are. */
function differences(now: BenchReport, before: BenchReport): string[] {
  const found = MACHINE_FIELDS.filter((field) => now.machine[field] !== before.machine[field]).map(
    (field) => `${field} ${before.machine[field]} before, ${now.machine[field]} now`,
  );
  for (const workload of now.workloads) {
    const { depth, batchSize, hash } = workload;
    const other = before.workloads.find((entry) => entry.depth === depth && entry.batchSize === batchSize);
    if (other !== undefined && other.hash !== hash) {
      found.push(`depth ${depth}, batch ${batchSize}: another model, other images, epochs or optimizer`);
    }
  }
  return found;
}

/** @throws ThawError `bench-incomparable` */
export function checkComparable(now: BenchReport, before: BenchReport, force: boolean): void {
  const found = force ? [] : differences(now, before);
  if (found.length === 0) return;
  throw new ThawError("bench-incomparable", `The recordings are not of the same thing: ${found.join("; ")}.`, {
    hint: "Record both on one machine with one spec, or compare all the same with --force.",
  });
}

/** Why two subjects of one name are not the same; null where they are. A setting that only one version has is none. */
function otherwise(now: MeasuredSubject, before: MeasuredSubject): string | null {
  const changed = Object.entries(before.settings).filter(
    ([key, value]) => Object.hasOwn(now.settings, key) && now.settings[key] !== value,
  );
  if (changed.length > 0) return `other settings (${changed.map(([key]) => key).join(", ")})`;
  return now.cache === before.cache ? null : "another state of the cache";
}

function samplesOf(report: BenchReport, subject: string, { depth, batchSize }: Pick<Sample, "depth" | "batchSize">) {
  return report.samples.filter(
    (sample) => sample.subject === subject && sample.depth === depth && sample.batchSize === batchSize,
  );
}

/**
 * Compares a recording with an earlier one, subject by subject and depth by depth.
 * @param threshold part by which something has to be better or worse to count
 */
export function compareBenches(now: BenchReport, before: BenchReport, threshold: number): Comparison {
  const rows: ComparedMeasure[] = [];
  const left: string[] = [];
  for (const subject of now.subjects) {
    const { name } = subject;
    const earlier = before.subjects.find((entry) => entry.name === name);
    const why = earlier === undefined ? "only now" : otherwise(subject, earlier);
    if (why !== null) left.push(`${name}: ${why}`);
    else {
      for (const { depth, batchSize } of now.workloads) {
        for (const measure of MEASURES.filter(({ compared }) => compared)) {
          const ours = valuesOf(measure, samplesOf(now, name, { depth, batchSize }));
          const theirs = valuesOf(measure, samplesOf(before, name, { depth, batchSize }));
          const runs = Math.min(ours.length, theirs.length);
          if (runs === 0) continue;
          const gain = gainOf(measure, ours, theirs);
          const verdict = runs < FEWEST_RUNS ? "few" : verdictOf(gain, threshold);
          rows.push({ subject: name, depth, batchSize, measure, gain, runs, verdict });
        }
      }
    }
  }
  for (const { name } of before.subjects) {
    if (!now.subjects.some((entry) => entry.name === name)) left.push(`${name}: only before`);
  }
  const own = now.subjects.filter(({ role }) => role === "runner").map(({ name }) => name);
  const regressed = rows.some(({ subject, verdict }) => verdict === "worse" && own.includes(subject));
  return { rows, left, regressed };
}

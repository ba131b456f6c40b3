import type { FORMATS } from "../formats/formats.ts";
import type { Environment } from "../runner/environment.ts";

/** The rungs of the parity ladder, lowest first. */
export const RUNGS = ["L0", "L1", "L2", "L3", "L4", "L5"] as const;
export type Rung = (typeof RUNGS)[number];

/** What each rung compares, in a few words. */
export const RUNG_TITLES: Readonly<Record<Rung, string>> = {
  L0: "identity",
  L1: "operations",
  L2: "activations",
  L3: "gradients",
  L4: "trajectory",
  L5: "outcome",
};

/** Where something was measured; the parts that apply. */
export interface Place {
  readonly step?: number;
  readonly layer?: string;
  /** Weight (`block_1_expand/kernel`) or digest (`labels`). */
  readonly tensor?: string;
  /** Operation and its case. */
  readonly op?: string;
}

/** What a report says instead of NaN and infinity. */
export const NOT_FINITE: number = Number.MAX_VALUE;

/** One number held against its bound: above it the rung is broken. */
export interface Measure {
  readonly at: Place;
  /** {@link NOT_FINITE} stands for NaN and infinity, which JSON does not have. */
  readonly value: number;
  readonly bound: number;
  /** What the value is, with its unit: `relative L2 error of the gradient`. */
  readonly what: string;
}

/** One point of the curve that shows where a difference grows. */
export interface CurvePoint {
  /** Layer, tensor or step. */
  readonly name: string;
  readonly value: number;
  readonly bound: number;
  /** L4: the same measure between two runs of the same backend, one started 1 ULP away. */
  readonly selfNoise?: number;
}

/** `error`: could not be judged because something failed; `not-run`: nobody asked, or the runner cannot. */
export type RungStatus = "pass" | "fail" | "error" | "not-run";

/** The verdict on one rung for one runner at one depth. */
export interface RungResult {
  readonly rung: Rung;
  readonly runner: string;
  /** Freeze policy as a short word; null where the rung does not depend on it (L1). */
  readonly depth: string | null;
  readonly status: RungStatus;
  /** The measure that is closest to its bound, or furthest above it; null where nothing was measured. */
  readonly worst: Measure | null;
  /** How many numbers were held against bounds. */
  readonly checks: number;
  /** What broke the rung, in the order of the computation, at most {@link MAX_FAILURES}. */
  readonly failures: readonly Measure[];
  /** How many broke it in all. */
  readonly failed: number;
  /** One sentence: why it failed, could not be judged or did not run; what is worth knowing where it passed. */
  readonly note?: string;
  readonly curve?: readonly CurvePoint[];
}

/** Failures that a verdict lists. */
export const MAX_FAILURES = 20;

/** The first rung, in ladder order, on which a runner leaves the reference. */
export interface Divergence {
  readonly rung: Rung;
  readonly runner: string;
  readonly depth: string | null;
  readonly measure: Measure | null;
  /** For a person. */
  readonly sentence: string;
}

/** L5: two runners over the same seeds. All accuracies and differences in percentage points. */
export interface EquivalenceResult {
  readonly runner: string;
  readonly reference: string;
  readonly depth: string;
  readonly seeds: readonly number[];
  /** Test accuracy of runner minus reference, by seed. */
  readonly differences: readonly number[];
  readonly meanDifference: number;
  /** Of the paired differences, n - 1. */
  readonly standardDeviation: number;
  /** The 1 - 2α interval of the mean difference: equivalence is this interval inside ±delta. */
  readonly interval: readonly [low: number, high: number];
  readonly delta: number;
  readonly alpha: number;
  /** The larger of the two one-sided p values. */
  readonly p: number;
  readonly equivalent: boolean;
  /** Chance that this test finds equivalence if the true difference is 0 and the deviation is the one seen. */
  readonly power: number;
  /** Seeds that give 90 % power at the deviation seen; null above the limit that was searched. */
  readonly seedsNeeded: number | null;
  /** Images that both put in the same class, over all seeds. */
  readonly agreement: { readonly equal: number; readonly images: number };
  readonly accuracies: { readonly runner: readonly number[]; readonly reference: readonly number[] };
}

/** A runner that took part, or why it did not. */
export interface ReportedRunner {
  readonly name: string;
  readonly environment: Environment | null;
  /** Whether its absence or an unjudged rung fails the run. */
  readonly required: boolean;
  readonly missing?: { readonly code: string; readonly reason: string; readonly hint: string };
}

/** Everything that `thaw parity` found. */
export interface ParityReport {
  readonly version: typeof FORMATS.parityReport.version;
  readonly name: string;
  readonly specHash: string;
  readonly thawVersion: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly wallMs: number;
  /** What the runners are held against: Keras in float64, or the first runner. */
  readonly reference: {
    readonly runner: string;
    readonly dtype: "float64" | "float32";
    readonly environment: Environment;
  };
  readonly weightsAt: readonly number[];
  readonly depths: readonly string[];
  readonly runners: readonly ReportedRunner[];
  readonly results: readonly RungResult[];
  readonly equivalence: readonly EquivalenceResult[];
  readonly divergences: readonly Divergence[];
  /** Drift from a recorded report, where one was given. */
  readonly drift?: readonly Drift[];
  readonly passed: boolean;
}

/** A measure that moved against a recorded baseline by more than rounding explains. */
export interface Drift {
  readonly rung: Rung;
  readonly runner: string;
  readonly depth: string | null;
  readonly what: string;
  readonly before: number | string;
  readonly now: number | string;
  /** Versions, flags or devices that changed between the two. */
  readonly environmentChanges: readonly string[];
}

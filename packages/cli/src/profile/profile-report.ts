import type { Environment, FeatureCachePlan, KernelName, ProfilePass, Spec } from "@thaw/core";
import type { Spread } from "../bench/statistics.ts";

/**
 * Whose clock the times of layers and kernels come from: the program's, which waits for each kernel; the program's on a
 * device that works on its own, where they say how long handing work over took; or the device's own.
 */
export type ProfileClock = "exact" | "submission" | "device";

/** A part of a step. */
export interface PartRow {
  readonly pass: ProfilePass;
  readonly ms: number;
  /** Of the step, 0 … 1. */
  readonly share: number;
}

/** A layer, with those that one kernel does together with it. Times and counts are means of a step. */
export interface LayerRow {
  readonly layer: string;
  readonly type: string;
  readonly together: readonly string[];
  readonly trains: boolean;
  /** Whether it lies in the frozen prefix; `forwardMs` is then the prefix's time. */
  readonly inPrefix: boolean;
  readonly forwardMs: number;
  readonly backwardMs: number;
  /** Of the step; on the device's clock, of all that it timed. */
  readonly share: number;
  /** Multiply-accumulates of a step, forward and backward. */
  readonly macs: number;
  /** Two operations a multiply-accumulate; null where there are none. */
  readonly gigaflops: number | null;
  /** Operations for each byte of its inputs, outputs and weights, forward, estimated; null where there are none. */
  readonly flopsPerByte: number | null;
  /** In a batch of validation images; null where there are none. */
  readonly evaluateMs: number | null;
}

/** A kernel; `calls` and `ms` are means of a step. */
export interface KernelRow {
  readonly kernel: KernelName;
  readonly calls: number;
  readonly ms: number;
  readonly share: number;
}

/** A kernel in a layer. */
export interface HotSpot {
  readonly kernel: KernelName;
  readonly layer: string;
  readonly ms: number;
  readonly share: number;
}

/** Live tensors over the first profiled step. */
export interface MemoryCurve {
  readonly peakBytes: number;
  readonly peakTensors: number;
  /** Where most bytes were alive. */
  readonly at: { readonly pass: ProfilePass; readonly layer: string | null; readonly kernel: KernelName };
  readonly points: readonly { readonly ms: number; readonly bytes: number; readonly tensors: number }[];
}

/** What the figures of a profile are. */
export interface ProfileFigures {
  readonly clock: ProfileClock;
  readonly images: number;
  readonly stepMs: Spread;
  /** Mean of the profiled steps, ms: what shares are of, except on the device's clock. */
  readonly meanStepMs: number;
  /** What the device took for a step by its own clock; null without it. */
  readonly deviceStepMs: number | null;
  /** Mean time of a step outside of all kernels. */
  readonly outsideKernelsMs: number;
  readonly parts: readonly PartRow[];
  /** In the network's order. */
  readonly layers: readonly LayerRow[];
  /** Longest first. */
  readonly kernels: readonly KernelRow[];
  readonly hotSpots: readonly HotSpot[];
  readonly memory: MemoryCurve;
  readonly evaluation: { readonly images: number; readonly ms: number } | null;
}

/** A profiled step. */
export interface StepRow {
  readonly step: number;
  readonly epoch: number;
  readonly ms: number;
  /** Of it, for the frozen layers or for fetching their outputs. */
  readonly prefixMs: number;
}

/** What `thaw profile` writes: profile.json. */
export interface ProfileReport extends ProfileFigures {
  readonly version: 1;
  readonly thawVersion: string;
  readonly finishedAt: string;
  readonly runner: string;
  readonly environment: Environment;
  readonly spec: Spec;
  readonly planHash: string;
  readonly phase: string;
  /** In words, what is frozen. */
  readonly depth: string;
  readonly warmupSteps: number;
  readonly profiledSteps: readonly StepRow[];
  readonly cache: FeatureCachePlan | null;
  readonly suggestions: readonly string[];
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

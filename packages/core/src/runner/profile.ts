import type { KernelName } from "../kernels/kernels.ts";

/**
 * Which steps a profiled run looks into: those with a full batch, which alone can be compared. The run trains this phase
 * alone and ends after the last of them.
 */
export interface ProfileRequest {
  /** Name of the phase. */
  readonly phase: string;
  /** Steps at the start, unwatched: compiling and first allocations fall to them. */
  readonly warmupSteps: number;
  readonly steps: number;
}

/**
 * Parts of a step, one after the other: assembling images and handing them over, the frozen prefix or fetching its
 * outputs, the layers above it with the loss, and so on; `wait` is for the device to be done. `evaluate` is no part of
 * a step but a batch of validation images.
 */
export type ProfilePass = "input" | "prefix" | "forward" | "backward" | "optimizer" | "wait" | "evaluate";

/** A stretch of time; starts count from the first profiled step's. */
export interface ProfileSpan {
  readonly pass: ProfilePass;
  readonly startMs: number;
  readonly ms: number;
}

/** The time in which a layer was the current one. Layers that one kernel does together are all under the first. */
export interface ProfiledLayer extends ProfileSpan {
  readonly layer: string;
}

/** One call of a kernel. */
export interface ProfiledCall extends ProfileSpan {
  readonly kernel: KernelName;
  /** Null for what belongs to no layer: the loss, updates, transfers. */
  readonly layer: string | null;
  /** What was alive after it. */
  readonly tensors: number;
  readonly bytes: number;
  /** What the device took by its own clock; absent where nobody asked it. */
  readonly deviceMs?: number;
}

/** A step, or a batch of an evaluation. Spans follow each other in time; layers lie in passes, calls in layers. */
export interface ProfiledStep {
  readonly epoch: number;
  readonly step: number;
  readonly images: number;
  readonly startMs: number;
  readonly ms: number;
  readonly passes: readonly ProfileSpan[];
  readonly layers: readonly ProfiledLayer[];
  readonly calls: readonly ProfiledCall[];
}

/** What a profiled run saw. */
export interface RunProfile {
  readonly phase: string;
  readonly warmupSteps: number;
  readonly steps: readonly ProfiledStep[];
  /** A batch of validation images; null where there are none. */
  readonly evaluation: ProfiledStep | null;
}

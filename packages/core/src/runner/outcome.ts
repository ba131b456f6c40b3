import type { TrainableCount } from "../freeze/policy.ts";
import type { FeatureCachePlan } from "../plan/feature-cache.ts";
import type { Metrics } from "../train/metrics.ts";
import type { EpochParts } from "../train/timing.ts";
import type { TraceDigests } from "./trace.ts";

/** One optimizer step. */
export interface StepRecord {
  /** 1-based, counted over all phases. */
  readonly epoch: number;
  /** 1-based, counted over the whole run. */
  readonly step: number;
  /** Mean loss of the batch, before the update. */
  readonly loss: number;
}

/** One epoch. */
export interface EpochRecord {
  readonly phase: string;
  /** 1-based, counted over all phases. */
  readonly epoch: number;
  readonly learningRate: number;
  /** Running means over the epoch's batches, as Keras's `fit` reports them. */
  readonly train: Metrics;
  readonly validation: Metrics | null;
  /** Training time without evaluation. */
  readonly trainMs: number;
  readonly evaluateMs: number;
  readonly imagesPerSecond: number;
  /** Where the training time went; absent where a runner does not tell. */
  readonly parts?: EpochParts;
  /** Programs handed to a GPU in a mean training step; absent where nobody counts. */
  readonly dispatchesAStep?: number;
}

/** Hashes of weights, SHA-256 of their safetensors bytes. */
export interface WeightDigests {
  readonly initial: string;
  readonly final: string;
  /** Weights that no phase may move, before and after; equal, or the run fails. */
  readonly frozen: { readonly tensors: number; readonly before: string; readonly after: string };
}

/** How sure a network was of the images of a part, in the order of the part's predictions. */
export interface Certainty {
  /** Cross-entropy of each image's own class. */
  readonly losses: readonly number[];
  /** Probability that each image's predicted class was given, 0…1. */
  readonly confidences: readonly number[];
}

/** What a run gives. */
export interface Outcome {
  /** Of the last phase. */
  readonly trainable: TrainableCount;
  readonly epochs: readonly EpochRecord[];
  /** What was kept of the frozen prefix, phase by phase; absent where a runner keeps nothing. */
  readonly cache?: readonly ({ readonly phase: string } & FeatureCachePlan)[];
  /** Present with `record: "steps"`. */
  readonly steps?: readonly StepRecord[];
  readonly final: {
    readonly train: Metrics;
    readonly validation: Metrics | null;
    readonly test: Metrics | null;
    /** Epoch whose weights these are. */
    readonly epoch: number;
    readonly stoppedEarly: boolean;
  };
  /** Predicted class per image of the validation and the test part, in the order of the plan's splits. */
  readonly predictions: { readonly validation: readonly number[]; readonly test: readonly number[] };
  /** Beside `predictions`; absent where a runner does not tell. */
  readonly certainty?: { readonly validation: Certainty; readonly test: Certainty };
  readonly digests: WeightDigests;
  /** Present where the run left a trace. */
  readonly trace?: TraceDigests;
  readonly timing: {
    readonly totalMs: number;
    readonly trainMs: number;
    readonly evaluateMs: number;
    readonly firstStepMs: number;
    /** Every step's time, input included, the first one too. */
    readonly stepMs: readonly number[];
    /** Median over full-size steps after the first. */
    readonly imagesPerSecond: number | null;
  };
  readonly memory: {
    readonly peakTensors: number;
    readonly peakTensorBytes: number;
    readonly peakRssBytes: number | null;
  };
  /** Steps after which the run went on in another process, from a checkpoint; absent where it ran in one. */
  readonly resumed?: readonly number[];
  /** Whether accuracy on the training images ever left chance. */
  readonly underTrained: boolean;
}

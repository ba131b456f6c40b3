import type { BlobReader, BlobRef, DataWarning } from "../data/dataset.ts";
import type { TrainableCount } from "../freeze/policy.ts";
import type { DeviceTensor, Kernels } from "../kernels/kernels.ts";
import type { CacheBudget, FeatureCachePlan } from "../plan/feature-cache.ts";
import type { Plan } from "../plan/plan.ts";
import type { CheckpointStore } from "../train/checkpoint.ts";
import type { FeatureStore } from "../train/feature-store.ts";
import type { Availability, EngineSettings, Environment } from "./environment.ts";
import type { OpOptions, OpSuite, OpVerdict } from "./ops.ts";
import type { EpochRecord, Outcome, StepRecord } from "./outcome.ts";
import type { PixelBatch, PredictEvent, PredictOptions, PredictRequest } from "./prediction.ts";
import type { ProfileRequest, RunProfile } from "./profile.ts";
import type { TraceRequest, TraceSink } from "./trace.ts";

/** What a runner says while it runs, in order: one `start`, then the rest, one `end`. */
export type RunEvent =
  | {
      readonly type: "start";
      readonly environment: Environment;
      readonly trainable: TrainableCount;
      readonly totalSteps: number;
    }
  | ({ readonly type: "step"; readonly ms: number; readonly images: number } & StepRecord)
  | ({ readonly type: "epoch" } & EpochRecord)
  /** What a phase keeps of its frozen prefix. */
  | ({ readonly type: "cache"; readonly phase: string } & FeatureCachePlan)
  /** The run goes on after a step of an earlier process; the epochs are those that are complete. */
  | {
      readonly type: "resume";
      readonly epoch: number;
      readonly step: number;
      readonly epochs: readonly EpochRecord[];
    }
  /** What the run needs to go on after this step is written. */
  | {
      readonly type: "checkpoint";
      readonly epoch: number;
      readonly step: number;
      readonly bytes: number;
      readonly ms: number;
    }
  | { readonly type: "warning"; readonly code: string; readonly message: string }
  | { readonly type: "weights"; readonly file: string; readonly bytes: number; readonly sha256: string }
  /** A file of a traced run is complete. */
  | { readonly type: "trace"; readonly file: string }
  /** What a profiled run saw. */
  | ({ readonly type: "profile" } & RunProfile)
  | { readonly type: "end"; readonly outcome: Outcome };

/** Where a run leaves what another process needs to go on with it, should this one be killed. */
export interface CheckpointRequest {
  /** Is replaced by each next one, and stays when the run is over: whoever has the result removes it. */
  readonly file: string;
  /** Least time between two checkpoints; 0 writes one after every step. */
  readonly everyMs: number;
  /** Program that asks for it, with its version: another one starts again. */
  readonly by: string;
}

/** How to run, beside what the plan says. */
export interface RunOptions {
  /** Folder of the content-addressed store that holds the plan's blobs. */
  readonly storeDir: string;
  /** Engine settings asked for; what a runner does not know is an error. */
  readonly settings: EngineSettings;
  /** File to write the final weights to, safetensors with Keras's names. */
  readonly exportWeights?: string;
  /** What may be spent on keeping the frozen prefix's outputs; core's default without it. */
  readonly cache?: CacheBudget;
  /** Goes on from the checkpoint that is there, and writes others; only for a runner that {@link Runner.resumes}. */
  readonly checkpoint?: CheckpointRequest;
  /** Leaves evidence for the parity ladder; only for a runner that {@link Runner.traces}. */
  readonly trace?: TraceRequest;
  /** Watches some steps, layer by layer; only for a runner that {@link Runner.profiles}. */
  readonly profile?: ProfileRequest;
  /** Stops the run at the next step; the iterator then throws ThawError `cancelled`. */
  readonly signal?: AbortSignal;
}

/** A machine or a browser of its own, which runs one cell at a time beside the other places of its runner. */
export interface RunnerPlace {
  /** What messages call it. */
  readonly name: string;
  /** Has the name and the settings of the runner that the place belongs to, which closes it. */
  readonly runner: Runner;
}

/**
 * Runs plans on one backend. Errors come out of the iterator as ThawError.
 */
export interface Runner {
  readonly name: string;
  /** Whether this runner can run here, with these settings, and on what. */
  probe(settings?: EngineSettings): Promise<Availability>;
  run(plan: Plan, options: RunOptions): AsyncIterable<RunEvent>;
  /** Capability: a run can leave a trace (rungs L0 and L2 to L4). */
  readonly traces?: boolean;
  /** Capability: a run that was killed goes on from its checkpoint, and ends with the same weights bit for bit. */
  readonly resumes?: boolean;
  /** Capability: a run can be profiled. */
  readonly profiles?: boolean;
  /** Capability: single operations can be judged (rung L1), by these suites. */
  readonly opSuites?: readonly OpSuite[];
  /** Judges the engine's operations against float64, one verdict a case. Errors are ThawErrors. */
  checkOps?(suite: OpSuite, options: OpOptions): AsyncIterable<OpVerdict>;
  /**
   * Capability: what a trained network says of images. A batch is asked for when there is room for it, so that any
   * number streams through. Errors come out of the iterator as ThawError.
   */
  predict?(
    request: PredictRequest,
    batches: AsyncIterable<PixelBatch>,
    options: PredictOptions,
  ): AsyncIterable<PredictEvent>;
  /** Capability: cells may run beside each other, one at each of these places; absent where there is no more than one. */
  readonly places?: readonly RunnerPlace[];
  /** Lets go of what is kept from run to run (a browser); a later run starts afresh. */
  close?(): Promise<void>;
}

/** What a runner's module exports. */
export interface RunnerModule {
  readonly createRunner: (name: string) => Runner;
}

/** The device's own clock, where it has one: times what is handed to the device while a step is profiled. */
export interface DeviceTimer {
  start(): void;
  /** Dispatches timed since the start. */
  count(): number;
  /** Ends it. @returns what each dispatch took, ms */
  stop(): Promise<readonly number[]>;
}

/** What a runner in this language hands to {@link train}: its kernels and its machine. */
export interface Host<T extends DeviceTensor = DeviceTensor> {
  readonly kernels: Kernels<T>;
  readonly environment: Environment;
  /** Monotonic clock, ms. */
  now(): number;
  /** Is called after every batch, training or evaluation: a watchdog may listen. */
  onProgress?(): void;
  /** Waits until everything handed to the device is done, and lets the event loop turn. */
  synchronize(): Promise<void>;
  /** Programs handed to a GPU so far; absent where nobody counts. */
  dispatches?(): number;
  /** Peak resident memory so far, or null where the machine does not tell. */
  peakRssBytes(): number | null;
  readBlob(ref: BlobRef): Promise<Uint8Array>;
  /** Opens a blob to read it in parts, for sets of images that are large; absent where it cannot be. */
  openBlob?(ref: BlobRef): Promise<BlobReader>;
  /** What may be spent on keeping the frozen prefix's outputs; core's default without it. */
  readonly cache?: CacheBudget;
  /** Images that the frozen prefix takes at once: fewer stay in a processor's caches. All of a batch without it. */
  readonly prefixBatch?: number;
  /** Convolutions take any padding as it is: padding layers then need not run. */
  readonly padsInConvolutions?: boolean;
  /** Makes some outputs again in the backward pass instead of keeping them; for kernels that do it in little time. */
  readonly savesMemory?: boolean;
  /** Opens files for a cache that the plan puts on disk; absent where the host has none. */
  readonly openFeatureFiles?: (key: string, plan: FeatureCachePlan) => Promise<FeatureStore>;
  /** Stores the final weights; absent where nobody asked for them. */
  writeWeights?: (bytes: Uint8Array) => Promise<string>;
  /** Absent where nobody asked for checkpoints. */
  readonly checkpoints?: CheckpointStore;
  /** Present in a traced run. */
  readonly trace?: TraceSink;
  /** Present in a profiled run. */
  readonly profile?: ProfileRequest;
  /** Without it, kernels are timed by the program's clock alone. */
  readonly deviceTimer?: DeviceTimer;
  readonly signal?: AbortSignal;
}

/** A data warning as an event. */
export function warningEvent({ code, message }: DataWarning): RunEvent {
  return { type: "warning", code, message };
}

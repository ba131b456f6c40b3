import type {
  Availability,
  EngineSettings,
  OpStart,
  OpSuite,
  OpVerdict,
  PixelBatch,
  Plan,
  PredictEvent,
  PredictRequest,
  RunEvent,
  RunOptions,
  SerializedError,
} from "@thaw/core";

/** What the runner tells its child process. */
export type ToChild =
  | { readonly type: "probe"; readonly settings: EngineSettings }
  | { readonly type: "run"; readonly plan: Plan; readonly options: Omit<RunOptions, "signal"> }
  | { readonly type: "ops"; readonly suite: OpSuite; readonly settings: EngineSettings; readonly start: OpStart }
  | { readonly type: "predict"; readonly request: PredictRequest; readonly settings: EngineSettings }
  /** The answer to `more`; null when there are no more. */
  | { readonly type: "images"; readonly batch: PixelBatch | null }
  | { readonly type: "cancel" };

/** What the child process answers. */
export type FromChild =
  | { readonly type: "available"; readonly availability: Availability }
  | { readonly type: "event"; readonly event: RunEvent }
  | { readonly type: "verdict"; readonly verdict: OpVerdict }
  | { readonly type: "prediction"; readonly event: PredictEvent }
  /** There is room for a batch of images. */
  | { readonly type: "more" }
  /** The run goes on, though it has nothing to say. */
  | { readonly type: "alive" }
  | { readonly type: "error"; readonly error: SerializedError }
  | { readonly type: "done" };

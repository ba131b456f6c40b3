import type {
  Availability,
  EngineSettings,
  OpStart,
  OpSuite,
  OpVerdict,
  Plan,
  RunEvent,
  RunOptions,
  SerializedError,
} from "@thaw/core";

/** What the runner tells its child process. */
export type ToChild =
  | { readonly type: "probe"; readonly settings: EngineSettings }
  | { readonly type: "run"; readonly plan: Plan; readonly options: Omit<RunOptions, "signal"> }
  | { readonly type: "ops"; readonly suite: OpSuite; readonly settings: EngineSettings; readonly start: OpStart }
  | { readonly type: "cancel" };

/** What the child process answers. */
export type FromChild =
  | { readonly type: "available"; readonly availability: Availability }
  | { readonly type: "event"; readonly event: RunEvent }
  | { readonly type: "verdict"; readonly verdict: OpVerdict }
  /** The run goes on, though it has nothing to say. */
  | { readonly type: "alive" }
  | { readonly type: "error"; readonly error: SerializedError }
  | { readonly type: "done" };

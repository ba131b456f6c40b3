import type {
  AdapterInfo,
  CacheBudget,
  CheckpointRequest,
  Environment,
  KernelName,
  OpStart,
  OpSuite,
  OpVerdict,
  ProfileRequest,
  RunEvent,
  SerializedError,
} from "@thaw/core";

/** The engines of the page. */
export const ENGINES = ["webgpu", "webgl", "wasm", "cpu"] as const;

/** One engine of the page; also the name of its runner. */
export type EngineName = (typeof ENGINES)[number];

/** How the page opens an engine. Once a page: an engine reads its settings when it starts. */
export interface OpenRequest {
  readonly engine: EngineName;
  readonly requireHardware: boolean;
  /** Threads of wasm; 1 for the others. */
  readonly threads: number;
  readonly plainKernels: readonly KernelName[] | "all";
}

/** What the page runs on. */
export interface OpenedEngine {
  /** With its version: `tfjs-backend-webgpu 4.22.0`. */
  readonly engine: string;
  readonly device: {
    readonly kind: "cpu" | "gpu";
    /** Null where the page cannot know: the processor. */
    readonly name: string | null;
    readonly software: boolean;
  };
  readonly adapter: AdapterInfo | null;
  /** tfjs backends that the page has: with one alone, no kernel can run anywhere else. */
  readonly backends: readonly string[];
  /** Threads that are really there. */
  readonly threads: number;
  readonly tfjs: string;
  readonly userAgent: string;
  readonly processors: number;
}

/** A run that the page is asked for; everything large is fetched over HTTP from the page's own server. */
export interface RunRequest {
  readonly run: number;
  readonly environment: Environment;
  /** Whether to send the final weights back. */
  readonly exportsWeights: boolean;
  /** What may be kept of the frozen prefix; in memory only, a page has no files. */
  readonly cache?: CacheBudget;
  /** Steps of a traced run whose weights to send back; absent where the run leaves no trace. */
  readonly traceWeightsAt?: readonly number[];
  readonly profile?: ProfileRequest;
  /** How often to send back what the run needs to go on; absent where nobody asked for it. */
  readonly checkpoint?: Pick<CheckpointRequest, "everyMs" | "by">;
}

/** A suite of rung L1 that the page is asked for. */
export interface JudgeRequest {
  /** Numbered like a run. */
  readonly run: number;
  readonly suite: OpSuite;
  readonly start: OpStart;
}

/** What the page's engine holds. */
export interface PageMemory {
  readonly tensors: number;
  readonly bytes: number;
  /** On WebGPU: bytes in use and bytes kept for reuse; null on the others. */
  readonly gpuBytes: number | null;
  readonly gpuBytesAllocated: number | null;
}

/** What a call of the page comes back with: errors cross as data. */
export type PageAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: SerializedError };

/** What the page says between calls, through its one binding. */
export type PageMessage =
  /** Events of a run in order; an empty list says that the run is alive. */
  | { readonly type: "events"; readonly run: number; readonly events: readonly RunEvent[] }
  /** A case was judged. */
  | { readonly type: "verdict"; readonly run: number; readonly verdict: OpVerdict }
  /** The device failed, whoever waits for it. */
  | { readonly type: "failure"; readonly error: SerializedError };

/** Name of the binding through which the page speaks. */
export const BINDING = "thawSend";

/** The functions of the page, on `globalThis.thaw`. */
export interface PageApi {
  open(request: OpenRequest): Promise<PageAnswer<OpenedEngine>>;
  run(request: RunRequest): Promise<PageAnswer<null>>;
  cancel(run: number): Promise<PageAnswer<null>>;
  memory(): Promise<PageAnswer<PageMemory>>;
  /** Judges the operations of the open engine by rung L1. */
  judge(request: JudgeRequest): Promise<PageAnswer<null>>;
}

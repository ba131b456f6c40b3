/** A setting of an engine that may change numbers or speed, recorded with every result. */
export type EngineSettings = Readonly<Record<string, string | number | boolean>>;

/** Where a run took place. */
export interface Environment {
  readonly runner: string;
  /** The library that computes, with its version: `libtensorflow 2.21.0`. */
  readonly engine: string;
  readonly device: {
    readonly kind: "cpu" | "gpu";
    /** What a person reads: processor or adapter. */
    readonly name: string;
    /** True where a GPU is emulated on the CPU. */
    readonly software: boolean;
    /** Why there is no GPU, where one might have been expected. */
    readonly note?: string;
  };
  /** Threads, oneDNN, TF32, flags: as they were in force. */
  readonly settings: EngineSettings;
  readonly versions: Readonly<Record<string, string>>;
  readonly platform: {
    readonly os: string;
    readonly arch: string;
    readonly cores: number;
    readonly memoryBytes: number;
  };
}

/** Whether a runner can run here. */
export type Availability =
  | { readonly ok: true; readonly environment: Environment }
  | { readonly ok: false; readonly code: string; readonly reason: string; readonly hint: string };

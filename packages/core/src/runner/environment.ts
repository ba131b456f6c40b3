/** A setting of an engine that may change numbers or speed, recorded with every result. */
export type EngineSettings = Readonly<Record<string, string | number | boolean>>;

/** What a GPU's driver says of itself, where a runner can ask it. */
export interface AdapterInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  /** The device in the driver's own words. */
  readonly description: string;
  /** Driver with its version and the interface it is reached by; empty where it is not told. */
  readonly driver: string;
  readonly features: readonly string[];
  /** Limits by name: bytes and counts. */
  readonly limits: Readonly<Record<string, number>>;
}

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
  readonly adapter?: AdapterInfo;
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

/** The device as tables and lines name it: an emulated GPU is never named like one. */
export function deviceLabel({ device }: Environment): string {
  return device.software ? `software (${device.name})` : device.name;
}

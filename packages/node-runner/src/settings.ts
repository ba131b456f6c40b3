import { availableParallelism } from "node:os";
import type { EngineSettings } from "@thaw/core";
import { choice, flag, integer, plainKernelNames, settingsOf } from "@thaw/runner-kit";

/** How libtensorflow is set up; recorded with every result. */
export interface NodeSettings {
  /** Threads inside an operation. Changing it changes the order of sums, and so the last bits. */
  readonly threads: number;
  /** oneDNN kernels: faster on most processors, with other last bits. */
  readonly oneDnn: boolean;
  /** TF32 products on NVIDIA GPUs: off for parity. */
  readonly tf32: boolean;
  /** Thaw's own kernels where they were built, or TensorFlow's. */
  readonly kernels: "own" | "tensorflow";
  /** Names of fused kernels to replace by the plain ones, separated by commas; `all` for every one. */
  readonly plainKernels: string;
}

/**
 * Fills in the defaults of the node runner's settings.
 * @throws ThawError `setting-invalid` for a name or value that does not exist
 */
export function nodeSettings(settings: EngineSettings): NodeSettings {
  return settingsOf<NodeSettings>(
    "node",
    {
      threads: integer(availableParallelism(), 1, 256),
      oneDnn: flag(true),
      tf32: flag(false),
      kernels: choice(["own", "tensorflow"]),
      plainKernels: plainKernelNames,
    },
    settings,
  );
}

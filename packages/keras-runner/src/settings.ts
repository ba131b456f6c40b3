import { type EngineSettings, ThawError } from "@thaw/core";
import { choice, flag, integer, settingsOf } from "@thaw/runner-kit";

/** How Keras is set up; recorded with every result. */
export interface KerasSettings {
  /** What everything is computed in: float64 makes Keras the judge. */
  readonly dtype: "float32" | "float64";
  readonly backend: "tensorflow" | "torch" | "jax";
  /** Threads inside an operation, 0 for all that there are. Changing it may change last bits. */
  readonly threads: number;
  /** TensorFlow's oneDNN kernels: faster on most processors, with other last bits. */
  readonly oneDnn: boolean;
  /** Whether TensorFlow compiles the training step or runs it op by op; JAX always compiles, PyTorch never. */
  readonly step: "compiled" | "eager";
  /**
   * Who trains: `own` is this runner's own step, the only one that leaves traces and is deterministic; `fit` and
   * `train_on_batch` are Keras's, as its users call them, for benchmarks.
   */
  readonly loop: "own" | "fit" | "train_on_batch";
}

/**
 * Fills in the defaults of the keras runner's settings.
 * @throws ThawError `setting-invalid` for a name or value that does not exist
 */
export function kerasSettings(settings: EngineSettings): KerasSettings {
  const whole = settingsOf<KerasSettings>(
    "keras",
    {
      dtype: choice(["float32", "float64"]),
      backend: choice(["tensorflow", "torch", "jax"]),
      threads: integer(0, 0, 256),
      oneDnn: flag(true),
      step: choice(["compiled", "eager"]),
      loop: choice(["own", "fit", "train_on_batch"]),
    },
    settings,
  );
  if (whole.dtype === "float64" && whole.backend !== "tensorflow") {
    // keras/src/backend/common/dtypes.py: float64 with float32 is float32 but on TensorFlow.
    const message = `Keras normalises batches in float32 on ${whole.backend}, whatever dtype says.`;
    throw new ThawError("setting-invalid", message, { hint: "Use dtype=float64 with backend=tensorflow." });
  }
  return whole;
}

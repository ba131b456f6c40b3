import type { Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { type AdapterInfo, type DeviceTimer, type Kernels, missingTfjsKernels, ThawError } from "@thaw/core";
import type { EngineName } from "../messages.ts";

/** An engine that is ready to train. */
export interface PageEngine {
  readonly kernels: Kernels<Tensor>;
  readonly device: { readonly kind: "cpu" | "gpu"; readonly name: string | null; readonly software: boolean };
  readonly adapter: AdapterInfo | null;
  readonly threads: number;
  /** Roundoff of one operation, of core's UNIT_ROUNDOFF. */
  readonly unitRoundoff: number;
  synchronize(): Promise<void>;
  /** Programs handed to the device so far; absent where nobody counts. */
  dispatches?(): number;
  /** The device's clock, for profiles; absent where it has none. */
  readonly deviceTimer?: DeviceTimer;
  /** Rejects when the device fails; absent where it cannot. */
  readonly failure?: Promise<never>;
}

/**
 * Makes a tfjs backend the active one and looks whether it has what training needs.
 * @throws ThawError `engine-unavailable`, `kernels-missing`
 */
export async function activate(name: EngineName): Promise<void> {
  if (!(await tf.setBackend(name))) {
    throw new ThawError("engine-unavailable", `tfjs's backend "${name}" did not start in this browser.`, {
      hint: "Look at chrome://gpu in the same browser; a newer Chromium may help.",
    });
  }
  await tf.ready();
  const missing = missingTfjsKernels(tf);
  if (missing.length > 0) {
    throw new ThawError("kernels-missing", `tfjs's backend "${name}" has no kernel ${missing.join(", ")}.`, {
      hint: "Training needs them; use another engine.",
    });
  }
}

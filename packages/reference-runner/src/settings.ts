import type { EngineSettings } from "@thaw/core";
import { choice, settingsOf } from "@thaw/runner-kit";

/** How the reference computes; recorded with every result. */
export interface ReferenceSettings {
  /** `float32` rounds every kernel's results: what storing in float32 does, whatever the order of summation. */
  readonly dtype: "float64" | "float32";
}

/**
 * Fills in the defaults of the reference's settings.
 * @throws ThawError `setting-invalid`
 */
export function referenceSettings(settings: EngineSettings): ReferenceSettings {
  return settingsOf<ReferenceSettings>("reference", { dtype: choice(["float64", "float32"]) }, settings);
}

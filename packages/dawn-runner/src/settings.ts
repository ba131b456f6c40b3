import type { EngineSettings } from "@thaw/core";
import { flag, plainKernelNames, settingsOf } from "@thaw/runner-kit";

/** How Dawn and its kernels are set up; recorded with every result. */
export interface DawnSettings {
  /** Fail rather than run on an emulated GPU. */
  readonly requireHardware: boolean;
  /** Names of our own kernels to replace by tfjs's, separated by commas; `all` for every one. */
  readonly plainKernels: string;
}

/**
 * Fills in the defaults of the dawn runner's settings.
 * @throws ThawError `setting-invalid` for a name or value that does not exist
 */
export function dawnSettings(settings: EngineSettings): DawnSettings {
  const table = { requireHardware: flag(false), plainKernels: plainKernelNames };
  return settingsOf<DawnSettings>("dawn", table, settings);
}

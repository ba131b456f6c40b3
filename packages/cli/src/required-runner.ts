import { type EngineSettings, type Environment, type Runner, softwareRefused, ThawError } from "@thaw/core";

/** @throws ThawError `software-adapter` where the GPU is emulated */
export function refuseSoftware({ runner, device }: Environment): void {
  if (!device.software) return;
  throw softwareRefused(`Runner "${runner}" has an emulated GPU only (${device.name}).`);
}

/**
 * @throws ThawError `runner-unavailable` with the runner's own reason and hint, `software-adapter` where the GPU is
 *   emulated and that is not wanted
 */
export async function requireRunner(
  runner: Runner,
  settings: EngineSettings,
  requireHardware: boolean,
): Promise<Environment> {
  const availability = await runner.probe(settings);
  if (availability.ok) {
    if (requireHardware) refuseSoftware(availability.environment);
    return availability.environment;
  }
  const code = availability.code === "setting-invalid" ? availability.code : "runner-unavailable";
  throw new ThawError(code, `Runner "${runner.name}" cannot run here: ${availability.reason}`, {
    hint: availability.hint,
  });
}

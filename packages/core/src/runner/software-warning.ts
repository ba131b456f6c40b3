import { ThawError } from "../error.ts";
import type { Environment } from "./environment.ts";
import type { RunEvent } from "./runner.ts";

/** The warning that a run on an emulated GPU starts with; empty on hardware. */
export function softwareWarnings(environment: Environment): RunEvent[] {
  if (!environment.device.software) return [];
  const message = `The GPU is emulated on the processor (${environment.device.name}): numbers count, speed does not.`;
  return [{ type: "warning", code: "software-adapter", message }];
}

/**
 * The error for an emulated GPU where hardware is required.
 * @param what one sentence that names what is emulated
 */
export function softwareRefused(what: string): ThawError {
  return new ThawError("software-adapter", what, {
    hint: "Install a driver for the GPU, or drop --require-hardware to run on the emulator, labelled so.",
  });
}

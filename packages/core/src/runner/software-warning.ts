import type { Environment } from "./environment.ts";
import type { RunEvent } from "./runner.ts";

/** The warning that a run on an emulated GPU starts with; empty on hardware. */
export function softwareWarnings(environment: Environment): RunEvent[] {
  if (!environment.device.software) return [];
  const message = `The GPU is emulated on the processor (${environment.device.name}): numbers count, speed does not.`;
  return [{ type: "warning", code: "software-adapter", message }];
}

import { type Availability, deviceLabel, type Environment, type Runner, serializeError } from "@thaw/core";
import { findRunner } from "./registry.ts";

/** One thing that was looked at. */
export interface Check {
  readonly name: string;
  readonly status: "ok" | "missing" | "note";
  readonly found: string;
  readonly hint?: string;
  /** Of a runner that can run: all that it says of itself. */
  readonly environment?: Environment;
}

function checkOf(name: string, availability: Availability, optional: boolean): Check {
  if (!availability.ok) {
    return { name, status: optional ? "note" : "missing", found: availability.reason, hint: availability.hint };
  }
  const { environment } = availability;
  const { engine, device } = environment;
  const note = device.note === undefined ? "" : `: ${device.note}`;
  return { name, status: "ok", found: `${engine} on ${device.kind} ${deviceLabel(environment)}${note}`, environment };
}

/**
 * Starts a runner's engine, asks what it runs on and lets it go.
 * @param optional whether its engine may be left out: one that says it cannot run is then noted, not missed
 * @returns one line, whatever happens: a runner that cannot be loaded, asked or closed is missing
 */
export async function checkRunner(
  runnerName: string,
  find: (name: string) => Promise<Runner> = findRunner,
  optional = false,
): Promise<Check> {
  const name = `runner ${runnerName}`;
  try {
    const runner = await find(runnerName);
    try {
      return checkOf(name, await runner.probe(), optional);
    } finally {
      await runner.close?.();
    }
  } catch (error) {
    const { message, hint } = serializeError(error);
    return { name, status: "missing", found: message, ...(hint === undefined ? {} : { hint }) };
  }
}

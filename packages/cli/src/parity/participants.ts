import { type EngineSettings, type Environment, type Runner, serializeError, ThawError } from "@thaw/core";
import type { ReportedRunner } from "@thaw/core/parity";
import { findRunner } from "../registry.ts";
import { requireRunner } from "../required-runner.ts";
import type { SettingsOf } from "../settings.ts";

/** A runner that can run here. */
export interface Participant {
  readonly runner: Runner;
  readonly settings: EngineSettings;
  readonly environment: Environment;
}

/** The runners that were asked for: those that can run, and what the report says of each. */
export interface Participants {
  readonly present: readonly Participant[];
  readonly reported: readonly ReportedRunner[];
}

/** @throws ThawError `setting-invalid`: a mistake of the user's, not a missing runner */
async function look(name: string, settingsOf: SettingsOf, requireHardware: boolean): Promise<Participant> {
  const runner = await findRunner(name);
  const settings = settingsOf(runner.name);
  try {
    return { runner, settings, environment: await requireRunner(runner, settings, requireHardware) };
  } catch (error) {
    await runner.close?.();
    throw error;
  }
}

/**
 * Probes the runners one after the other.
 * @param required those whose absence fails the run
 */
export async function findParticipants(
  names: readonly string[],
  required: readonly string[],
  settingsOf: SettingsOf,
  requireHardware: boolean,
): Promise<Participants> {
  const present: Participant[] = [];
  const reported: ReportedRunner[] = [];
  for (const name of names) {
    const isRequired = required.includes(name);
    try {
      const participant = await look(name, settingsOf, requireHardware);
      present.push(participant);
      reported.push({ name: participant.runner.name, environment: participant.environment, required: isRequired });
    } catch (error) {
      const { code, message, hint } = serializeError(error);
      if (code === "setting-invalid") throw error;
      const missing = { code, reason: message, hint: hint ?? "Run `npm run setup` and read what it says." };
      reported.push({ name, environment: null, required: isRequired, missing });
    }
  }
  return { present, reported };
}

/**
 * The judge, in float64 and in float32.
 * @throws ThawError `runner-unavailable`, and `setting-invalid` where the runner cannot compute in float64
 */
export async function findJudge(
  name: string,
  settingsOf: SettingsOf,
): Promise<{ exact: Participant; rounded: Participant }> {
  const runner = await findRunner(name);
  const settings = settingsOf(runner.name);
  const as = async (dtype: "float64" | "float32"): Promise<Participant> => {
    const typed = { ...settings, dtype };
    return { runner, settings: typed, environment: await requireRunner(runner, typed, false) };
  };
  if (runner.traces !== true) {
    throw new ThawError("judge-invalid", `Runner "${name}" leaves no traces and cannot judge.`, {
      hint: "Use --judge keras, or --judge reference, which needs no Python.",
    });
  }
  return { exact: await as("float64"), rounded: await as("float32") };
}

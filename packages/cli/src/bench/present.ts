import { arch, cpus, type as osType, release, totalmem } from "node:os";
import { deviceLabel, type Runner, serializeError, ThawError } from "@thaw/core";
import { findRunner } from "../registry.ts";
import { requireRunner } from "../required-runner.ts";
import { parseSettings, type SettingsOf } from "../settings.ts";
import type { Machine, MeasuredSubject } from "./bench-report.ts";
import type { PresentSubject } from "./sample-run.ts";
import type { Subject } from "./subject.ts";

/** Subjects that can run here, and what the report says of each, missing baselines included. */
export interface FoundSubjects {
  readonly present: readonly PresentSubject[];
  readonly reported: readonly MeasuredSubject[];
}

/** The machine that measures. */
export function thisMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? "unknown processor",
    cores: cpus().length,
    memoryBytes: totalmem(),
    os: `${osType()} ${release()}`,
    arch: arch(),
    node: process.versions.node,
  };
}

/** A subject under the name of its runner where it was given as a module's path, with the settings from `--set`. */
function named(asked: Subject, runner: Runner, settingsOf: SettingsOf): Subject {
  const name = asked.name.replace(asked.runner, runner.name);
  return { ...asked, name, settings: { ...settingsOf(runner.name), ...asked.settings } };
}

/** @throws ThawError why the runner cannot run here */
async function probe({ subject, runner }: PresentSubject, requireHardware: boolean): Promise<MeasuredSubject> {
  try {
    const environment = await requireRunner(runner, subject.settings, requireHardware);
    const { engine, device, settings } = environment;
    return { ...subject, settings, engine, device: deviceLabel(environment), onProcessor: device.kind === "cpu" };
  } finally {
    await runner.close?.();
  }
}

function missing(subject: Subject, error: unknown): MeasuredSubject {
  const { code, message, hint = "`thaw doctor` says what is there." } = serializeError(error);
  if (subject.role === "runner" || code === "setting-invalid" || code === "internal") throw error;
  const reason = { code, reason: message, hint };
  return { ...subject, engine: null, device: null, onProcessor: false, missing: reason };
}

/** @throws ThawError `option-invalid` */
function checkNames(subjects: readonly Subject[]): void {
  const names = subjects.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return;
  throw new ThawError("option-invalid", `Two subjects are called "${twice}".`, {
    hint: "Leave one out: subjects are told apart by their names.",
  });
}

/**
 * Probes every subject.
 * @param setting `--set`, as it was given
 * @throws ThawError where a runner is missing or a setting is wrong; a baseline that is missing is reported
 */
export async function findSubjects(
  subjects: readonly Subject[],
  setting: readonly string[],
  requireHardware: boolean,
): Promise<FoundSubjects> {
  const found: PresentSubject[] = [];
  const reported: MeasuredSubject[] = [];
  for (const subject of subjects) {
    try {
      found.push({ subject, runner: await findRunner(subject.runner) });
    } catch (error) {
      reported.push(missing(subject, error));
    }
  }
  const settingsOf = parseSettings(
    setting,
    found.map(({ runner }) => runner.name),
  );
  const all = found.map(({ subject, runner }) => ({ subject: named(subject, runner, settingsOf), runner }));
  checkNames(all.map(({ subject }) => subject));
  const present: PresentSubject[] = [];
  for (const candidate of all) {
    try {
      reported.push(await probe(candidate, requireHardware && candidate.subject.role === "runner"));
      present.push(candidate);
    } catch (error) {
      reported.push(missing(candidate.subject, error));
    }
  }
  return { present, reported };
}

import { type PreparedPlan, preparePlan } from "@thaw/assets";
import {
  type Environment,
  type FeatureCachePlan,
  freezeLabel,
  passOf,
  type Runner,
  type RunOptions,
  type RunProfile,
  ThawError,
} from "@thaw/core";
import { cacheBudget } from "../cache-budget.ts";
import { onInterrupt } from "../interrupt.ts";
import { prepareNotes } from "../notes.ts";
import { profileFigures } from "../profile/profile-figures.ts";
import { checkProfileFolder, writeProfileFiles } from "../profile/profile-files.ts";
import { type ProfileCommandOptions, type ProfileJob, profileJob, profileRequest } from "../profile/profile-options.ts";
import type { ProfileReport, StepRow } from "../profile/profile-report.ts";
import { profileText } from "../profile/profile-text.ts";
import { suggestionsOf } from "../profile/suggestions.ts";
import { traceFile } from "../profile/trace-file.ts";
import { findRunner } from "../registry.ts";
import { requireRunner } from "../required-runner.ts";
import { parseSettings } from "../settings.ts";
import { readSpecFile } from "../spec-file.ts";
import { VERSION } from "../version.ts";

/** What a run says that a profile is made of. */
interface Seen {
  readonly environment: Environment;
  readonly profile: RunProfile;
  readonly cache: FeatureCachePlan | null;
  readonly warnings: ProfileReport["warnings"];
}

/** Runs the steps. @throws ThawError what the run throws, and `profile-incomplete` */
async function watchRun(runner: Runner, { plan }: PreparedPlan, options: RunOptions): Promise<Seen> {
  let environment: Environment | undefined;
  let profile: RunProfile | undefined;
  let cache: FeatureCachePlan | null = null;
  const warnings: { code: string; message: string }[] = [];
  for await (const event of runner.run(plan, options)) {
    if (event.type === "start") environment = event.environment;
    if (event.type === "warning") warnings.push({ code: event.code, message: event.message });
    if (event.type === "cache") cache = event;
    if (event.type === "profile") profile = event;
    if (event.type === "step") process.stderr.write(`step ${event.step}: ${event.ms.toFixed(0)} ms\n`);
  }
  if (environment === undefined || profile === undefined || profile.steps.length === 0) {
    throw new ThawError("profile-incomplete", `Runner "${runner.name}" ended without a profile.`, {
      hint: "The runner says that it profiles and does not; see core's runner/profile.ts.",
    });
  }
  return { environment, profile, cache, warnings };
}

async function profileReport(
  runner: Runner,
  { spec, baseDir }: { readonly spec: ProfileJob["spec"]; readonly baseDir: string },
  job: ProfileJob,
  options: Omit<RunOptions, "storeDir">,
): Promise<{ readonly report: ProfileReport; readonly profile: RunProfile }> {
  const prepared = await preparePlan(spec, { baseDir, onNote: prepareNotes(process.stderr) });
  const { plan, storeDir } = prepared;
  const { phase, request } = profileRequest(plan, job);
  const seen = await watchRun(runner, prepared, { ...options, storeDir, profile: request });
  const { environment, profile, cache, warnings } = seen;
  const figures = profileFigures(profile, passOf(plan, phase), environment.device.kind === "gpu");
  const profiledSteps = profile.steps.map(({ step, epoch, ms, passes }): StepRow => {
    const prefixMs = passes.reduce((sum, part) => sum + (part.pass === "prefix" ? part.ms : 0), 0);
    return { step, epoch, ms, prefixMs };
  });
  const report: ProfileReport = {
    version: 1,
    thawVersion: VERSION,
    finishedAt: new Date().toISOString(),
    runner: runner.name,
    environment,
    spec: plan.spec,
    planHash: plan.planHash,
    phase: phase.name,
    depth: `depth ${freezeLabel(phase.freeze)}`,
    warmupSteps: profile.warmupSteps,
    profiledSteps,
    ...figures,
    cache,
    suggestions: suggestionsOf(figures, environment, cache, profiledSteps),
    warnings,
  };
  return { report, profile };
}

/** `thaw profile SPEC`: where the time and the memory of a training step go. */
export async function profileCommand(specPath: string, options: ProfileCommandOptions): Promise<void> {
  const file = await readSpecFile(specPath);
  if (file.kind === "sweep") {
    throw new ThawError("spec-invalid", `${specPath} is a sweep (it has groups), not one experiment.`, {
      hint: "Give the spec of one experiment.",
    });
  }
  const job = profileJob(file.spec, options);
  const { out } = options;
  if (out !== undefined) checkProfileFolder(out);
  const cache = cacheBudget(options);
  const runner = await findRunner(options.runner);
  const settings = parseSettings(options.set, [runner.name])(runner.name);
  if (runner.profiles !== true) {
    throw new ThawError("profile-unsupported", `Runner "${runner.name}" cannot be profiled.`, {
      hint: "Layers are seen in runners that train with Thaw's own loop, such as node, webgpu or dawn.",
    });
  }
  const interrupt = onInterrupt(process.stderr);
  try {
    await requireRunner(runner, settings, options.requireHardware);
    const run = { settings, cache, signal: interrupt.signal };
    const { report, profile } = await profileReport(runner, { ...file, spec: job.spec }, job, run);
    const json = `${JSON.stringify(report, null, 1)}\n`;
    process.stdout.write(options.json ? json : `${profileText(report, job.top)}\n`);
    if (out !== undefined) {
      const texts = { "profile.json": json, "trace.json": traceFile(profile, runner.name) };
      const files = await writeProfileFiles(out, texts);
      process.stderr.write(`Wrote ${files.join(" and ")}; open the trace in https://ui.perfetto.dev.\n`);
    }
  } finally {
    await runner.close?.();
    interrupt.dispose();
  }
}

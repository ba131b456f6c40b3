import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type PreparedPlan, preparePlan } from "@thaw/assets";
import { FORMATS, hashOf, type Spec, ThawError } from "@thaw/core";
import {
  compareReports,
  type EquivalenceResult,
  firstDivergences,
  outcomeRung,
  type ParityReport,
  type RungResult,
} from "@thaw/core/parity";
import { parityText } from "@thaw/report";
import { readBaseline, writeBaseline } from "../baseline.ts";
import { EXIT } from "../exit-code.ts";
import { onInterrupt } from "../interrupt.ts";
import { prepareNotes } from "../notes.ts";
import { judgedFiles } from "../parity/judged-file.ts";
import { judgeDepth, judgeOpsOf, type LadderRun, referenceOf } from "../parity/ladder-run.ts";
import { type ParityCommandOptions, parseNames, parseSeeds, parseSteps, specsByDepth } from "../parity/options.ts";
import { compareAllOutcomes } from "../parity/outcome-run.ts";
import { findJudge, findParticipants, type Participant, type Participants } from "../parity/participants.ts";
import { writeReport } from "../parity/report-files.ts";
import { parseSettings } from "../settings.ts";
import { readSpecFile } from "../spec-file.ts";
import { VERSION } from "../version.ts";

/** Everything that is judged, before any of it is. */
interface Prepared {
  readonly spec: Spec;
  readonly specs: ReadonlyMap<string, Spec>;
  readonly plans: ReadonlyMap<string, PreparedPlan>;
  readonly specHash: string;
  readonly baseDir: string;
}

async function prepare(
  specPath: string,
  options: ParityCommandOptions,
  note: (text: string) => void,
): Promise<Prepared> {
  const file = await readSpecFile(specPath);
  const { baseDir } = file;
  const spec = file.kind === "spec" ? file.spec : file.sweep.experiment;
  const specs = specsByDepth(spec, options);
  const plans = new Map<string, PreparedPlan>();
  for (const [depth, atDepth] of specs) plans.set(depth, await preparePlan(atDepth, { baseDir, onNote: note }));
  return { spec, specs, plans, specHash: await hashOf({ ...spec, $schema: undefined }), baseDir };
}

/** Steps that the plan really has, so that a short experiment is compared to its end. */
function stepsWithin(weightsAt: readonly number[], { plan }: PreparedPlan): readonly number[] {
  const perEpoch = Math.ceil(plan.splits.train.length / plan.spec.batchSize);
  const total = plan.phases.reduce((sum, { epochs }) => sum + epochs, 0) * perEpoch;
  return [...new Set(weightsAt.map((step) => Math.min(step, total)))];
}

/** Rungs L0 to L4 of every runner, depth by depth so that one depth's reference is held at a time. */
async function climb(
  run: LadderRun,
  runners: readonly Participant[],
  plans: Prepared["plans"],
  ops: boolean,
): Promise<RungResult[]> {
  const results: RungResult[] = [];
  if (ops) for (const participant of runners) results.push(await judgeOpsOf(run, participant));
  for (const [depth, prepared] of plans) {
    const atDepth = { ...run, weightsAt: stepsWithin(run.weightsAt, prepared) };
    const reference = referenceOf(atDepth, prepared, depth);
    for (const participant of runners)
      results.push(...(await judgeDepth(atDepth, participant, prepared, depth, reference)));
  }
  return results;
}

/** Whether everything that was required is there and held. */
function passes(report: Pick<ParityReport, "results" | "runners" | "drift">): boolean {
  const needed = new Set(report.runners.filter(({ required }) => required).map(({ name }) => name));
  const broken = report.results.some(
    ({ status, runner }) => status === "fail" || (status === "error" && needed.has(runner)),
  );
  const missing = report.runners.some(({ required, missing: absent }) => required && absent !== undefined);
  return !broken && !missing && (report.drift ?? []).length === 0;
}

function exitCodeOf({ passed, results, runners, drift }: ParityReport): number {
  if (passed) return EXIT.fine;
  if (results.some(({ status }) => status === "fail") || (drift ?? []).length > 0) return EXIT.parityFailed;
  return runners.some(({ required, missing }) => required && missing !== undefined)
    ? EXIT.runnerMissing
    : EXIT.cellCrashed;
}

/** The recorded report to compare with: none while a first one is being recorded. */
async function baselineOf(
  { baseline, updateBaseline: updates }: ParityCommandOptions,
  specHash: string,
): Promise<ParityReport | undefined> {
  if (baseline === undefined) {
    if (!updates) return undefined;
    throw new ThawError("option-invalid", "--update-baseline needs --baseline FILE.", {
      hint: "Name the file to record the report in.",
    });
  }
  return updates && !existsSync(baseline) ? undefined : await readBaseline(baseline, specHash);
}

/** Records a report that passed, drift aside: that is what an update is for. */
async function updateBaseline(file: string, report: ParityReport): Promise<void> {
  if (!passes({ ...report, drift: [] })) {
    process.stdout.write(`Baseline not updated: the report did not pass.\n`);
    return;
  }
  await writeBaseline(file, report);
  process.stdout.write(`Baseline updated: ${file}\n`);
}

async function closeAll(participants: readonly Participant[]): Promise<void> {
  for (const { runner } of participants) await runner.close?.();
}

/**
 * `thaw parity SPEC`: climbs the ladder with every runner at every depth.
 * @returns the exit code
 */
export async function parityCommand(specPath: string, options: ParityCommandOptions): Promise<number> {
  const startedMs = performance.now();
  const startedAt = new Date().toISOString();
  const note = prepareNotes(process.stderr);
  const names = parseNames(options.runners).filter((name) => name !== options.judge);
  const weightsAt = parseSteps(options.steps);
  const seeds = parseSeeds(options.seeds);
  const required = options.require === undefined ? names : parseNames(options.require);
  const settingsOf = parseSettings(options.set, [...names, options.judge]);
  const { out: outDir, rerun, requireHardware } = options;
  const interrupt = onInterrupt(process.stderr);
  let present: readonly Participant[] = [];
  try {
    const prepared = await prepare(specPath, options, note);
    const baseline = await baselineOf(options, prepared.specHash);
    const judge = await findJudge(options.judge, settingsOf);
    const participants: Participants = await findParticipants(names, required, settingsOf, requireHardware);
    present = participants.present;
    const files = judgedFiles(join(outDir, "judged"), rerun);
    await rm(join(outDir, "traces"), { recursive: true, force: true }); // of a run that was killed
    const run: LadderRun = {
      judge,
      weightsAt,
      files,
      scratchDir: join(outDir, "traces"),
      signal: interrupt.signal,
      note,
    };
    const results = await climb(run, present, prepared.plans, options.ops);
    const equivalence: readonly EquivalenceResult[] =
      seeds.length === 0
        ? []
        : await compareAllOutcomes({
            specs: prepared.specs,
            baseDir: prepared.baseDir,
            seeds,
            runners: present,
            reference: judge.rounded,
            outDir,
            rerun,
            signal: interrupt.signal,
            note,
          });
    results.push(...equivalence.map(outcomeRung));
    const { environment } = judge.exact;
    const found = {
      version: FORMATS.parityReport.version,
      name: prepared.spec.name,
      specHash: prepared.specHash,
      thawVersion: VERSION,
      startedAt,
      wallMs: Math.round(performance.now() - startedMs),
      reference: { runner: judge.exact.runner.name, dtype: "float64", environment },
      weightsAt,
      depths: [...prepared.plans.keys()],
      runners: participants.reported,
      results,
      equivalence,
      divergences: firstDivergences(results, `${judge.exact.runner.name} (float64)`),
    } as const;
    const drift = baseline === undefined ? {} : { drift: compareReports(baseline, { ...found, passed: true }) };
    const report: ParityReport = { ...found, ...drift, passed: passes({ ...found, ...drift }) };
    const file = await writeReport(report, { outDir, junit: options.junit, summary: options.summary });
    process.stdout.write(`${parityText(report)}\nReport: ${file}\n`);
    if (options.updateBaseline && options.baseline !== undefined) await updateBaseline(options.baseline, report);
    return exitCodeOf(report);
  } finally {
    await closeAll([...present]);
    interrupt.dispose();
  }
}

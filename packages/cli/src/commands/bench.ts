import { FORMATS } from "@thaw/core";
import { readBenchReport, writeBenchReport } from "../bench/bench-file.ts";
import { type BenchCommandOptions, benchJob, checkTarget } from "../bench/bench-options.ts";
import type { BenchReport } from "../bench/bench-report.ts";
import { benchText } from "../bench/bench-table.ts";
import { checkComparable, compareBenches } from "../bench/comparison.ts";
import { comparisonText } from "../bench/comparison-table.ts";
import { findSubjects, thisMachine } from "../bench/present.ts";
import { measureRoofs } from "../bench/roofs.ts";
import { runRounds } from "../bench/rounds.ts";
import { prepareWorkloads } from "../bench/workload.ts";
import { EXIT } from "../exit-code.ts";
import { onInterrupt } from "../interrupt.ts";
import { prepareNotes } from "../notes.ts";
import { readSpecFile } from "../spec-file.ts";
import { VERSION } from "../version.ts";

/** Compares with an earlier recording and prints it. */
function judge(now: BenchReport, before: BenchReport, threshold: number): number {
  const comparison = compareBenches(now, before, threshold);
  process.stdout.write(`${comparisonText(comparison, threshold)}\n`);
  return comparison.regressed ? EXIT.regressed : EXIT.fine;
}

/**
 * `thaw bench SPEC`: measures runners and baselines side by side.
 * @returns the exit code
 */
export async function benchCommand(specPath: string, options: BenchCommandOptions): Promise<number> {
  const startedAt = new Date().toISOString();
  const startedMs = performance.now();
  const file = await readSpecFile(specPath);
  const spec = file.kind === "spec" ? file.spec : file.sweep.experiment;
  const job = benchJob(spec, options);
  checkTarget(options);
  const before = options.compare === undefined ? undefined : await readBenchReport(options.compare);
  const onNote = prepareNotes(process.stderr);
  const interrupt = onInterrupt(process.stderr);
  const { signal } = interrupt;
  try {
    const workloads = await prepareWorkloads(spec, job, { baseDir: file.baseDir, onNote });
    const { present, reported } = await findSubjects(job.subjects, options.set, options.requireHardware);
    const head: Omit<BenchReport, "wallMs" | "complete" | "roofs" | "samples" | "failures"> = {
      version: FORMATS.benchReport.version,
      kind: "bench",
      name: spec.name,
      thawVersion: VERSION,
      startedAt,
      machine: thisMachine(),
      images: workloads[0]?.prepared.plan.splits.train.length ?? 0,
      epochs: job.epochs,
      rounds: job.rounds,
      subjects: [...reported],
      workloads: workloads.map(({ workload }) => workload),
    };
    const nothing = { wallMs: 0, complete: true, roofs: [], samples: [], failures: [] };
    if (before !== undefined) checkComparable({ ...head, ...nothing }, before, options.force);
    const { roofs } = options;
    const { worstExit, ...results } = await runRounds({
      present,
      workloads,
      rounds: job.rounds,
      ...(roofs === undefined ? {} : { roofs: () => measureRoofs(roofs, signal) }),
      signal,
      note: (line) => process.stderr.write(`${line}\n`),
    });
    const report: BenchReport = { ...head, wallMs: Math.round(performance.now() - startedMs), ...results };
    await writeBenchReport(options.out, report, options.force);
    process.stdout.write(`${benchText(report)}\nRecording: ${options.out}\n`);
    const verdict = before === undefined ? EXIT.fine : judge(report, before, job.threshold);
    return worstExit === EXIT.fine ? verdict : worstExit;
  } finally {
    interrupt.dispose();
  }
}

import { type OpSuite, type Runner, ThawError } from "@thaw/core";
import { EXIT } from "../exit-code.ts";
import { onInterrupt } from "../interrupt.ts";
import { findings, opReport, writeOpFiles } from "../ops/op-files.ts";
import {
  caseKey,
  confirmFindings,
  isWrong,
  type JudgedRunner,
  type Opinion,
  type OpRun,
  openJudged,
  opinionsOf,
  runSuite,
} from "../ops/op-run.ts";
import { opText } from "../ops/op-table.ts";
import { findRunner } from "../registry.ts";
import { parseSettings } from "../settings.ts";

/** Options of `thaw ops`. */
export interface OpsCommandOptions {
  readonly runner: string;
  readonly suite: string;
  readonly out?: string;
  readonly set: readonly string[];
  readonly json: boolean;
  readonly strict: boolean;
  readonly confirm: boolean;
}

const SUITES: readonly OpSuite[] = ["kernels", "tfjs"];

function suiteOf(name: string): OpSuite {
  const suite = SUITES.find((candidate) => candidate === name);
  if (suite !== undefined) return suite;
  throw new ThawError("suite-unknown", `There is no suite "${name}".`, { hint: `Use ${SUITES.join(" or ")}.` });
}

/** Asks each runner about the cases that another one has a finding in. */
async function secondOpinions(
  judged: readonly JudgedRunner[],
  suite: OpSuite,
  runs: readonly OpRun[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Opinion>[]> {
  const opinions: ReadonlyMap<string, Opinion>[] = [];
  for (const [index, runner] of judged.entries()) {
    const others = runs.flatMap((run, other) => (other === index ? [] : findings(run)));
    const cases = new Map(others.map((evidence) => [caseKey(evidence), evidence.testCase]));
    opinions.push(await opinionsOf(runner, suite, [...cases.values()], signal));
  }
  return opinions;
}

/**
 * `thaw ops`: judges single operations of runners against float64 (rung L1).
 * @returns 1 where a kernel fails, or with `--strict` a stock operation
 */
export async function opsCommand(options: OpsCommandOptions): Promise<number> {
  const suite = suiteOf(options.suite);
  const runners: Runner[] = [];
  const interrupt = onInterrupt(process.stderr);
  try {
    for (const name of options.runner.split(",")) runners.push(await findRunner(name));
    const settingsOf = parseSettings(
      options.set,
      runners.map(({ name }) => name),
    );
    const judged: JudgedRunner[] = [];
    for (const runner of runners) judged.push(await openJudged(runner, suite, settingsOf(runner.name)));
    const runs: OpRun[] = [];
    for (const runner of judged) {
      const run = await runSuite(runner, suite, interrupt.signal, process.stderr);
      runs.push(options.confirm ? await confirmFindings(runner, suite, run, interrupt.signal) : run);
      if (!options.json) process.stdout.write(`${opText(run)}\n`);
    }
    const opinions = await secondOpinions(judged, suite, runs, interrupt.signal);
    if (options.json) process.stdout.write(opReport(suite, runs, opinions));
    if (options.out !== undefined) {
      const [report, ...issues] = await writeOpFiles(options.out, suite, runs, opinions);
      process.stderr.write(
        `Report: ${report}${issues.length > 0 ? `, and ${issues.length} issue texts beside it` : ""}\n`,
      );
    }
    const fails = runs.some(({ verdicts }) => verdicts.some(isWrong)) && (suite === "kernels" || options.strict);
    return fails ? EXIT.parityFailed : EXIT.fine;
  } finally {
    for (const runner of runners) await runner.close?.();
    interrupt.dispose();
  }
}

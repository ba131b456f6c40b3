import type { EngineSettings, Environment, OpCaseData, OpEvidence, OpSuite, OpVerdict, Runner } from "@thaw/core";
import { requireSuite, ThawError } from "@thaw/core";
import { changingLine } from "../terminal.ts";

/** A runner with what it is to be judged with. */
export interface JudgedRunner {
  readonly runner: Runner;
  readonly settings: EngineSettings;
  readonly environment: Environment;
}

/** What came of a suite on one runner. */
export interface OpRun extends Pick<JudgedRunner, "environment"> {
  readonly runner: string;
  readonly seconds: number;
  readonly verdicts: readonly OpVerdict[];
}

/**
 * Looks whether a runner has the suite and can run here.
 * @throws ThawError `suite-unknown`, or why it cannot run
 */
export async function openJudged(runner: Runner, suite: OpSuite, settings: EngineSettings): Promise<JudgedRunner> {
  requireSuite(runner.name, runner.opSuites ?? [], suite);
  const availability = await runner.probe(settings);
  if (availability.ok) return { runner, settings, environment: availability.environment };
  throw new ThawError(availability.code, availability.reason, { hint: availability.hint });
}

/** Whether a verdict is about something that is there and wrong. */
export function isWrong({ problems }: OpVerdict): boolean {
  return problems.some((problem) => !problem.includes("is not implemented: "));
}

/** Runs a suite on one runner and shows how far it is. */
export async function runSuite(
  { runner, settings, environment }: JudgedRunner,
  suite: OpSuite,
  signal: AbortSignal,
  output: NodeJS.WriteStream,
): Promise<OpRun> {
  const line = output.isTTY ? changingLine(output) : undefined;
  const startedMs = performance.now();
  const verdicts: OpVerdict[] = [];
  const text = (): string => {
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
    const wrong = verdicts.filter(isWrong).length;
    return `${runner.name}: ${verdicts.length} cases, ${wrong} wrong, ${seconds} s`;
  };
  for await (const verdict of runner.checkOps?.(suite, { settings, signal }) ?? []) {
    verdicts.push(verdict);
    line?.show(`${text()}, ${verdict.op}`);
  }
  line?.show(text());
  line?.done();
  if (line === undefined) output.write(`${text()}\n`);
  return { runner: runner.name, environment, seconds: (performance.now() - startedMs) / 1000, verdicts };
}

/** What one case gives on an engine that has seen nothing else. */
async function aloneOn(
  { runner, settings }: JudgedRunner,
  suite: OpSuite,
  testCase: OpCaseData,
  signal: AbortSignal,
): Promise<OpVerdict | undefined> {
  await runner.close?.();
  for await (const verdict of runner.checkOps?.(suite, { settings, signal, cases: [testCase] }) ?? []) return verdict;
  return undefined;
}

/**
 * Tries findings again, each on an engine of its own. One that is right there was made smaller on an engine that other
 * cases had changed (a shader for another size): then the case that it was made from stands for it, if that fails.
 */
export async function confirmFindings(
  judged: JudgedRunner,
  suite: OpSuite,
  run: OpRun,
  signal: AbortSignal,
): Promise<OpRun> {
  const tried = new Map<string, OpEvidence>();
  const confirm = async (entry: OpEvidence): Promise<OpEvidence> => {
    if (entry.kind === "lost" || entry.kind === "not-implemented") return entry; // lost twice already, missing anyway
    const known = tried.get(caseKey(entry));
    if (known !== undefined) return known;
    const fails = async (testCase: OpCaseData): Promise<OpEvidence | undefined> => {
      const verdict = await aloneOn(judged, suite, testCase, signal);
      return verdict?.evidence?.find(({ kind }) => kind !== "fine");
    };
    let confirmed: OpEvidence = { ...entry, failsAlone: (await fails(entry.testCase)) !== undefined };
    if (!confirmed.failsAlone && entry.original !== undefined) {
      const first = await fails(entry.original);
      if (first !== undefined) confirmed = { ...first, failsAlone: true };
    }
    tried.set(caseKey(entry), confirmed);
    return confirmed;
  };
  const verdicts: OpVerdict[] = [];
  for (const verdict of run.verdicts) {
    const evidence: OpEvidence[] = [];
    for (const entry of verdict.evidence ?? []) evidence.push(await confirm(entry));
    verdicts.push(evidence.length === 0 ? verdict : { ...verdict, evidence });
  }
  return { ...run, verdicts };
}

/** What a finding's case gives on another runner. */
export interface Opinion {
  readonly backend: string;
  readonly found: string;
  readonly fine: boolean;
}

/** A finding's case as a key: the same case from two runners is one. */
export function caseKey({ testCase }: Pick<OpEvidence, "testCase">): string {
  return JSON.stringify(testCase);
}

/**
 * Asks a runner what cases give that others found something in.
 * @returns opinions by {@link caseKey}
 */
export async function opinionsOf(
  { runner, settings }: JudgedRunner,
  suite: OpSuite,
  cases: readonly OpCaseData[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Opinion>> {
  const opinions = new Map<string, Opinion>();
  if (cases.length === 0) return opinions;
  let index = 0;
  for await (const { problems, evidence = [] } of runner.checkOps?.(suite, { settings, signal, cases }) ?? []) {
    const [first] = evidence;
    const testCase = cases[index] ?? {};
    const found = evidence.map((part) => part.found).join(", ") || (problems[0] ?? "");
    opinions.set(JSON.stringify(testCase), {
      backend: first?.backend ?? runner.name,
      found,
      fine: problems.length === 0,
    });
    index += 1;
  }
  return opinions;
}

import { engineSpent, judgeCases, type OpEvidence, type OpStart, type OpVerdict } from "@thaw/core";
import { caseFrom, caseOf } from "./case-data.ts";
import { evidenceOf, evidenceOfLost, resultOf } from "./evidence.ts";
import { judge, type OpEngine, type PartResult, type TfjsCase } from "./judgement.ts";
import { type OpRow, parametersText } from "./op-row.ts";
import { shrink } from "./shrinker.ts";
import { opRows } from "./suite.ts";

/** How to judge a tfjs backend. */
export interface TfjsJudgeOptions extends OpEngine {
  readonly start: OpStart;
  /** Other rows than the table's: for tests. */
  readonly rows?: readonly OpRow[];
}

/** Failures of one operation, part and kind that are made smaller; further ones are only named. */
const MOST_SHRUNK = 2;

/** What a failure is about, without its numbers: a smaller case must fail in the same way. */
function signature({ part, problem }: PartResult): string {
  const text = problem?.kind === "wrong" ? /shape|dtype|values instead/.exec(problem.text)?.[0] : problem?.text;
  return [part, problem?.kind, text?.replaceAll(/-?\d+(,\d+)*/g, "#")].join(" ");
}

/** WebAssembly that wrote over its own heap, or stopped in the middle: whatever comes next means nothing. */
const BROKEN_HEAP = /memory access out of bounds|unreachable|table index is out of bounds|null function/;

function brokenBy(results: readonly PartResult[]): string | undefined {
  return results.map(({ problem }) => problem?.text ?? "").find((text) => BROKEN_HEAP.test(text));
}

/** The evidence for a failure on the smallest case that fails like it, and whether the engine broke over it. */
async function shrunkEvidence(
  engine: OpEngine,
  testCase: TfjsCase,
  failure: PartResult,
): Promise<{ readonly evidence: OpEvidence; readonly broken?: string }> {
  const wanted = signature(failure);
  const backend = engine.tf.getBackend();
  const plain = evidenceOf(backend, testCase, failure);
  let broken = brokenBy([failure]);
  const find = async (candidate: TfjsCase): Promise<PartResult | undefined> => {
    // Engines fail over nothing at all in ways of their own.
    if (broken !== undefined || resultOf(candidate).data.length === 0) return undefined;
    const results = await judge(engine, candidate);
    broken = brokenBy(results);
    if (broken !== undefined) return undefined;
    return results.find((result) => result.problem !== null && signature(result) === wanted);
  };
  const smallest = await shrink(testCase, async (candidate) => (await find(candidate)) !== undefined);
  const again = await find(smallest);
  if (broken !== undefined) return { evidence: plain, broken };
  if (again === undefined) return { evidence: plain };
  return { evidence: { ...evidenceOf(backend, smallest, again), original: plain.testCase } };
}

/**
 * Judges a tfjs backend's stock operations, case by case: the suite `tfjs` of a runner. A failure comes with the smallest
 * case that was found to fail in the same way.
 */
export function judgeTfjs({ start, rows = opRows(), ...engine }: TfjsJudgeOptions): AsyncGenerator<OpVerdict> {
  const backend = engine.tf.getBackend();
  if (start.cases !== undefined) {
    const given = start.cases.map((data, index) => ({
      op: String(data.op),
      name: `case ${index}`,
      part: data.part,
      data,
    }));
    const asked = judgeCases(
      given,
      async ({ data, part }) => {
        const testCase = caseFrom(rows, data);
        const results = await judge(engine, testCase);
        const wanted = results.filter((result) => part === undefined || result.part === part);
        const shown = wanted.length > 0 ? wanted : results; // a gradient is not there where the result already throws
        return summary(
          shown,
          shown.map((result) => evidenceOf(backend, testCase, result)),
        );
      },
      start,
    );
    return unlessBroken(asked, () => undefined);
  }

  const shrunk = new Map<string, number>();
  const cases = rows.flatMap((row) =>
    row.cases.map((parameters) => ({ op: row.op, name: parametersText(parameters), row, parameters })),
  );
  let broken: string | undefined;
  const verdicts = judgeCases(
    cases,
    async ({ row, parameters }, careful) => {
      const testCase = caseOf(row, parameters);
      const results = await judge(engine, testCase);
      broken = brokenBy(results);
      const evidence: OpEvidence[] = [];
      for (const failure of results.filter(({ problem }) => problem !== null)) {
        const key = `${row.op} ${failure.part} ${failure.problem?.kind}`;
        const count = (shrunk.get(key) ?? 0) + 1;
        shrunk.set(key, count);
        if (count > (failure.problem?.kind === "not-implemented" ? 1 : MOST_SHRUNK)) continue;
        if (careful || broken !== undefined) {
          evidence.push(evidenceOf(backend, testCase, failure));
          continue;
        }
        const found = await shrunkEvidence(engine, testCase, failure);
        evidence.push(found.evidence);
        broken = found.broken;
      }
      return summary(results, evidence);
    },
    start,
    ({ row, parameters }, problem) => [evidenceOfLost(backend, caseOf(row, parameters), problem)],
  );
  return unlessBroken(verdicts, () => broken);
}

/** Ends the verdicts behind one that broke the engine. */
async function* unlessBroken(
  verdicts: AsyncIterable<OpVerdict>,
  broken: () => string | undefined,
): AsyncGenerator<OpVerdict> {
  for await (const verdict of verdicts) {
    yield verdict;
    const why = broken() ?? verdict.problems.find((problem) => BROKEN_HEAP.test(problem));
    if (why !== undefined) throw engineSpent(why);
  }
}

function summary(
  results: readonly PartResult[],
  evidence: readonly OpEvidence[],
): Pick<OpVerdict, "worst" | "problems" | "evidence"> {
  const problems = results.flatMap(({ problem }) => (problem === null ? [] : [problem.text]));
  const worst = results.reduce((most, result) => Math.max(most, result.worst), 0);
  return { worst, problems, ...(evidence.length === 0 ? {} : { evidence }) };
}

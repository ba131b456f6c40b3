import { ThawError } from "../error.ts";
import type { EngineSettings } from "./environment.ts";

/** `kernels`: the runner's own kernel set; `tfjs`: the stock operations of the tfjs backend below it. */
export type OpSuite = "kernels" | "tfjs";

/** How to judge a runner's operations. */
export interface OpOptions {
  readonly settings: EngineSettings;
  readonly signal?: AbortSignal;
  /** Judges these cases instead of the suite's own, as an earlier verdict's evidence names them (suite `tfjs`). */
  readonly cases?: readonly OpCaseData[];
}

/** A case as plain data; only its suite knows what is in it. */
export type OpCaseData = Readonly<Record<string, unknown>>;

/** What someone needs to look at a finding, or to file it. */
export interface OpEvidence {
  readonly kind: "fine" | "wrong" | "throws" | "not-implemented" | "leaks" | "lost";
  /** What the engine calls itself, for someone who does not know the runner: `webgl`. */
  readonly backend: string;
  /** Result or gradient that it is about. */
  readonly part: string;
  /** What is wrong, one sentence; empty where nothing is. */
  readonly text: string;
  /** The smallest case that fails in this way; {@link OpOptions.cases} takes it. */
  readonly testCase: OpCaseData;
  /** The case that it was made smaller from; absent where that was of no avail. */
  readonly original?: OpCaseData;
  /** Whether it fails on a fresh engine, too; absent where nobody tried. */
  readonly failsAlone?: boolean;
  /** Self-contained JavaScript that shows it. */
  readonly code: string;
  readonly expected: string;
  readonly found: string;
}

/** One operation on given inputs, judged by rung L1. */
export interface OpVerdict {
  /** Kernel or operation: `conv2dInputGradient`, `tf.maxPool`. */
  readonly op: string;
  /** Which case of it, unique among those of the operation. */
  readonly name: string;
  /** Error over its bound in the worst element; 1 and below is fine. */
  readonly worst: number;
  /** One sentence for each thing that is wrong; empty where all is fine. */
  readonly problems: readonly string[];
  /** Of a suite that makes failing cases smaller. */
  readonly evidence?: readonly OpEvidence[];
}

/** Where a suite begins: behind what an engine that was lost has judged. */
export interface OpStart {
  /** Cases to pass over. */
  readonly judged: number;
  /** The engine was lost over the next case: judge it once more, but do not make it smaller. */
  readonly careful?: boolean;
  /** How the engine was lost over the next case, twice; it is not tried again. */
  readonly lost?: string;
  /** Cases to judge instead of the suite's own. */
  readonly cases?: readonly OpCaseData[];
}

/** The start of a whole suite. */
export const FIRST_CASE: OpStart = { judged: 0 };

/** A case as a suite lists it: its order never changes. */
export interface OpCase {
  readonly op: string;
  readonly name: string;
}

/**
 * Judges cases one after the other. What a case throws is what is wrong with it.
 * @param judge one case
 * @param evidenceOfLost for a case that took its engine along and is not tried again
 */
export async function* judgeCases<C extends OpCase>(
  cases: readonly C[],
  judge: (testCase: C, careful: boolean) => Promise<Omit<OpVerdict, keyof OpCase>>,
  { judged, lost, careful = false }: OpStart,
  evidenceOfLost: (testCase: C, problem: string) => readonly OpEvidence[] = () => [],
): AsyncGenerator<OpVerdict> {
  for (const [index, testCase] of cases.slice(judged).entries()) {
    const { op, name } = testCase;
    const failed = (problem: string): OpVerdict => ({ op, name, worst: Number.POSITIVE_INFINITY, problems: [problem] });
    if (index === 0 && lost !== undefined) {
      const verdict = failed(`the engine was lost: ${lost}`);
      const evidence = evidenceOfLost(testCase, lost);
      yield evidence.length === 0 ? verdict : { ...verdict, evidence };
      continue;
    }
    yield await judge(testCase, careful && index === 0).then(
      (verdict) => ({ op, name, ...verdict }),
      (error: unknown) => failed(`it throws: ${error instanceof Error ? error.message : String(error)}`),
    );
  }
}

/**
 * Makes sure that a runner has a suite.
 * @throws ThawError `suite-unknown`
 */
export function requireSuite(runner: string, suites: readonly OpSuite[], suite: string): void {
  if (suites.some((name) => name === suite)) return;
  throw new ThawError("suite-unknown", `Runner "${runner}" has no suite "${suite}".`, {
    hint: suites.length === 0 ? "Its operations cannot be judged one by one." : `It has ${suites.join(", ")}.`,
  });
}

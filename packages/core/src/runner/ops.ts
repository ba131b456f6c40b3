import { ThawError } from "../error.ts";
import type { EngineSettings } from "./environment.ts";

/** `kernels`: the runner's own kernel set; `tfjs`: the stock operations of the tfjs backend below it. */
export type OpSuite = "kernels" | "tfjs";

/** How to judge a runner's operations. */
export interface OpOptions {
  readonly settings: EngineSettings;
  readonly signal?: AbortSignal;
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
}

/** Where a suite begins: behind what an engine that was lost has judged. */
export interface OpStart {
  /** Cases to pass over. */
  readonly judged: number;
  /** How the engine was lost over the next case; it is not tried again. */
  readonly lost?: string;
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
 */
export async function* judgeCases<C extends OpCase>(
  cases: readonly C[],
  judge: (testCase: C) => Promise<Omit<OpVerdict, keyof OpCase>>,
  { judged, lost }: OpStart,
): AsyncGenerator<OpVerdict> {
  for (const [index, testCase] of cases.slice(judged).entries()) {
    const { op, name } = testCase;
    const failed = (problem: string): OpVerdict => ({ op, name, worst: Number.POSITIVE_INFINITY, problems: [problem] });
    if (index === 0 && lost !== undefined) {
      yield failed(`the engine was lost: ${lost}`);
      continue;
    }
    yield await judge(testCase).then(
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

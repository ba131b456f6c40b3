import type { Result } from "@thaw/core";

/** What a cell's plan, runner and settings decide; times, memory and the machine's description are left out. */
export function numbersOf(result: Result): Readonly<Record<string, unknown>> {
  const { epochs, planHash, specHash, runner, trainable, steps, final, predictions, certainty, digests, trace } =
    result;
  return {
    runner,
    specHash,
    planHash,
    trainable,
    digests,
    epochs: epochs.map(({ phase, epoch, learningRate, train, validation }) => {
      return { phase, epoch, learningRate, train, validation };
    }),
    steps,
    final,
    predictions,
    certainty,
    trace,
    underTrained: result.underTrained,
  };
}

/** The first field below which two values differ, as a path; null where they are equal. */
function firstDifference(a: unknown, b: unknown, path: string): string | null {
  if (Object.is(a, b)) return null;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return path;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  for (const key of keys) {
    const step = Array.isArray(a) ? `[${key}]` : `${path === "" ? "" : "."}${key}`;
    const found = firstDifference(a[key as keyof typeof a], b[key as keyof typeof b], `${path}${step}`);
    if (found !== null) return found;
  }
  return null;
}

/**
 * Where the numbers of two results of one cell part.
 * @returns the path of the first field that differs, such as `digests.final`; null where only times and machines do
 */
export function numbersDiffer(a: Result, b: Result): string | null {
  return firstDifference(numbersOf(a), numbersOf(b), "");
}

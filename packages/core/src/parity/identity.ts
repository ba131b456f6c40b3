import type { Evidence, Reference } from "./evidence.ts";
import type { Measure, RungResult } from "./report.ts";
import { type Subject, verdictOf } from "./verdict.ts";

/** 0 where two values are the same, 1 where not. */
function exact(at: Measure["at"], what: string, found: string | undefined, expected: string | undefined): Measure {
  return { at, what, value: found !== undefined && found === expected ? 0 : 1, bound: 0 };
}

/** Whether TF32 rounded this run's products to 10 bits: then rungs L1 to L4 mean nothing. */
export function usesTf32({ environment }: Pick<Evidence, "environment">): boolean {
  return environment.device.kind === "gpu" && environment.settings.tf32 === true;
}

/**
 * Rung L0: both runs started from the same weights and were fed the same pixels and labels in the same order. Exact.
 */
export function judgeIdentity(
  runner: Evidence,
  { exact: judge }: Reference,
  { runner: name, depth }: Subject,
): RungResult {
  const measures: Measure[] = [
    exact(
      { tensor: "initial weights" },
      "SHA-256 of the weights at the start",
      runner.outcome.digests.initial,
      judge.outcome.digests.initial,
    ),
  ];
  const expected = judge.outcome.trace?.steps ?? [];
  const found = runner.outcome.trace?.steps ?? [];
  for (let index = 0; index < Math.max(expected.length, found.length); index += 1) {
    const step = index + 1;
    const [ours, theirs] = [found[index], expected[index]];
    measures.push(
      exact({ step, tensor: "images" }, "SHA-256 of the batch's pixels", ours?.images, theirs?.images),
      exact({ step, tensor: "labels" }, "SHA-256 of the batch's labels", ours?.labels, theirs?.labels),
    );
  }
  const differ = measures.find(({ value }) => value > 0);
  const step = differ?.at.step === undefined ? "" : ` at step ${differ.at.step}`;
  const note =
    differ === undefined
      ? {}
      : { note: `The ${differ.at.tensor} differ${step}: the two did not run the same experiment.` };
  return verdictOf({ rung: "L0", runner: name, depth }, measures, note);
}

import type { SerializedError } from "../error.ts";
import type { OptimizerSpec } from "../spec/schema.ts";
import { judgeActivations } from "./activations.ts";
import type { Evidence, Reference } from "./evidence.ts";
import { judgeGradients } from "./gradients.ts";
import { judgeIdentity, usesTf32 } from "./identity.ts";
import type { Rung, RungResult } from "./report.ts";
import { judgeTrajectory } from "./trajectory.ts";
import { type Subject, unjudged } from "./verdict.ts";

/** The rungs that a trace is judged by. */
export const TRACED_RUNGS = ["L0", "L2", "L3", "L4"] as const satisfies readonly Rung[];

/** A runner's traces at one depth: of the plan, and of the plan started one ULP away. */
export interface TracePair {
  readonly run: Evidence;
  readonly perturbed: Evidence;
}

/** Judges a runner at one depth by all rungs that its traces speak to. */
export function judgeTraces(
  { run, perturbed }: TracePair,
  reference: Reference,
  subject: Subject,
  optimizer: OptimizerSpec,
): readonly RungResult[] {
  const identity = judgeIdentity(run, reference, subject);
  if (usesTf32(run)) {
    const { runner, depth } = subject;
    const note = "TF32 rounds products to 10 bits: only accuracy (L5) can be compared. Set tf32=false.";
    return [identity, ...TRACED_RUNGS.slice(1).map((rung) => unjudged({ rung, runner, depth }, "not-run", note))];
  }
  return [
    identity,
    judgeActivations(run, reference, subject),
    judgeGradients(run, reference, subject),
    judgeTrajectory(run, perturbed, reference, subject, optimizer),
  ];
}

/** The rung that an error of a run breaks by itself, where it does: a run that fails so did not merely crash. */
const BROKEN_BY: Readonly<Record<string, Rung>> = {
  "blob-corrupt": "L0",
  "non-finite": "L2",
  "frozen-moved": "L3",
};

/** The verdicts on a run that ended with an error. */
export function judgeFailedRun(
  { code, message }: SerializedError,
  { runner, depth }: Pick<Subject, "runner" | "depth">,
): readonly RungResult[] {
  const broken = BROKEN_BY[code];
  return TRACED_RUNGS.map((rung) =>
    unjudged({ rung, runner, depth }, rung === broken ? "fail" : "error", `${code}: ${message}`),
  );
}

import type { PreparedPlan } from "@thaw/assets";
import { type Environment, networkOf, type OpVerdict, type Plan, serializeError } from "@thaw/core";
import {
  type Evidence,
  judgeFailedRun,
  judgeOperations,
  judgeTraces,
  type Reference,
  type RungResult,
  TRACED_RUNGS,
  unjudged,
} from "@thaw/core/parity";
import { VERSION } from "../version.ts";
import type { JudgedFiles } from "./judged-file.ts";
import type { Participant } from "./participants.ts";
import { perturbedPlan } from "./perturbed-plan.ts";
import { traceRun } from "./trace-run.ts";

/** What all judging of one `thaw parity` shares. */
export interface LadderRun {
  readonly judge: { readonly exact: Participant; readonly rounded: Participant };
  readonly weightsAt: readonly number[];
  readonly files: JudgedFiles;
  readonly scratchDir: string;
  readonly signal: AbortSignal;
  /** Says what happens, a line each. */
  readonly note: (text: string) => void;
}

/** Float32 runs of the reference from weights one ULP away, beside the plain one. */
const NOISE_SEEDS = [2, 3];

/** The part of an environment that numbers may depend on. */
function numericEnvironment({ engine, device, settings, versions }: Environment): unknown {
  return { engine, device, settings, versions };
}

/** Judges the operations of a runner: rung L1. */
export async function judgeOpsOf(run: LadderRun, { runner, settings, environment }: Participant): Promise<RungResult> {
  const cell = { rung: "L1", runner: runner.name, depth: null } as const;
  if (runner.checkOps === undefined || !runner.opSuites?.includes("kernels")) {
    return unjudged(cell, "not-run", "The runner does not let its operations be judged.");
  }
  const { checkOps } = runner;
  const judge = async (): Promise<readonly RungResult[]> => {
    run.note(`${runner.name}: operations`);
    const verdicts: OpVerdict[] = [];
    try {
      for await (const verdict of checkOps.call(runner, "kernels", { settings, signal: run.signal }))
        verdicts.push(verdict);
    } catch (error) {
      const { code, message } = serializeError(error);
      if (code === "cancelled") throw error;
      return [unjudged(cell, "error", `${code}: ${message}`)];
    }
    return [judgeOperations(runner.name, verdicts)];
  };
  const key = { rung: "L1", thaw: VERSION, runner: runner.name, environment: numericEnvironment(environment) };
  const [result] = await run.files.judged(key, judge);
  return result ?? unjudged(cell, "error", "No verdict was kept.");
}

/** Makes the judge's traces of one plan, when somebody first needs them. */
export function referenceOf(run: LadderRun, { plan, storeDir }: PreparedPlan, depth: string): () => Promise<Reference> {
  let made: Promise<Reference> | undefined;
  const { judge, weightsAt, signal, scratchDir } = run;
  const trace = async ({ runner, settings }: Participant, of: Plan): Promise<Evidence> =>
    await traceRun({ runner, plan: of, storeDir, settings, weightsAt, signal }, scratchDir);
  const make = async (): Promise<Reference> => {
    run.note(`depth ${depth}: ${judge.exact.runner.name}, the reference`);
    const exact = await trace(judge.exact, plan);
    const rounded = [await trace(judge.rounded, plan)];
    for (const seed of NOISE_SEEDS) {
      rounded.push(await trace(judge.rounded, await perturbedPlan(plan, storeDir, seed)));
    }
    return { exact, rounded };
  };
  return () => {
    made ??= make();
    return made;
  };
}

/** Judges a runner at one depth by rungs L0, L2, L3 and L4. */
export async function judgeDepth(
  run: LadderRun,
  participant: Participant,
  prepared: PreparedPlan,
  depth: string,
  reference: () => Promise<Reference>,
): Promise<readonly RungResult[]> {
  const { runner, settings, environment } = participant;
  const { plan, storeDir } = prepared;
  const { judge, weightsAt, signal, scratchDir } = run;
  const subject = { runner: runner.name, depth, layers: networkOf(plan).layers };
  if (runner.traces !== true) {
    const note = "The runner leaves no traces.";
    return TRACED_RUNGS.map((rung) => unjudged({ rung, runner: runner.name, depth }, "not-run", note));
  }
  const optimizer = plan.phases[0]?.optimizer ?? plan.spec.optimizer;
  const makeAndJudge = async (): Promise<readonly RungResult[]> => {
    const against = await reference();
    run.note(`depth ${depth}: ${runner.name}, ${weightsAt.at(-1)} steps twice`);
    const job = { runner, storeDir, settings, weightsAt, signal };
    try {
      const first = await traceRun({ ...job, plan }, scratchDir);
      const perturbed = await traceRun({ ...job, plan: await perturbedPlan(plan, storeDir) }, scratchDir);
      return judgeTraces({ run: first, perturbed }, against, subject, optimizer);
    } catch (error) {
      const failure = serializeError(error);
      if (failure.code === "cancelled") throw error;
      return judgeFailedRun(failure, subject);
    }
  };
  const key = {
    thaw: VERSION,
    runner: runner.name,
    plan: plan.planHash,
    weightsAt,
    environment: numericEnvironment(environment),
    judge: numericEnvironment(judge.exact.environment),
  };
  return await run.files.judged(key, makeAndJudge);
}

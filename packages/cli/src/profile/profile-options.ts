import {
  type FreezePolicy,
  nearest,
  type PhasePlan,
  type Plan,
  type ProfileRequest,
  type Spec,
  ThawError,
} from "@thaw/core";
import type { CacheOptions } from "../cache-budget.ts";
import { parseFreeze, parseNumbers } from "../settings.ts";

/** Options of `thaw profile` as the command line gives them. */
export interface ProfileCommandOptions extends CacheOptions {
  readonly runner: string;
  readonly steps: string;
  readonly warmup: string;
  readonly phase?: string;
  readonly freeze?: string;
  readonly batch?: string;
  readonly top: string;
  readonly json: boolean;
  readonly out?: string;
  readonly set: readonly string[];
  readonly requireHardware: boolean;
}

/** What is to be profiled, looked at and whole. */
export interface ProfileJob {
  /** The spec with the depth and batch size that were asked for. */
  readonly spec: Spec;
  readonly phase: string | undefined;
  readonly warmupSteps: number;
  readonly steps: number;
  /** Layers to show. */
  readonly top: number;
}

/** @throws ThawError `option-invalid` */
function wholeNumber(option: string, text: string, least: number): number {
  const [number = Number.NaN, ...more] = parseNumbers(option, text);
  if (more.length === 0 && Number.isInteger(number) && number >= least) return number;
  throw new ThawError("option-invalid", `${option}: "${text}" is no whole number from ${least} up.`, {
    hint: `For example: ${option} ${Math.max(least, 5)}`,
  });
}

/** @throws ThawError `option-invalid` */
function freezeOf(text: string): FreezePolicy {
  const [freeze, ...more] = parseFreeze(text);
  if (freeze !== undefined && freeze !== "" && more.length === 0) return freeze;
  throw new ThawError("option-invalid", `--freeze: "${text}" is not one depth.`, {
    hint: "Give one count or layer name, such as --freeze 100 or --freeze block_13_expand.",
  });
}

/**
 * Looks at the options before anything is started.
 * @throws ThawError `option-invalid`
 */
export function profileJob(spec: Spec, options: ProfileCommandOptions): ProfileJob {
  const { phase, freeze, batch } = options;
  if (phase !== undefined && freeze !== undefined) {
    throw new ThawError("option-invalid", "--phase and --freeze exclude each other.", {
      hint: "A phase has its own depth; --freeze profiles one depth without phases.",
    });
  }
  const { phases, ...single } = spec;
  const epochs = phases?.reduce((most, each) => Math.max(most, each.epochs), 1) ?? spec.epochs;
  const at = freeze === undefined ? spec : { ...single, epochs, freeze: freezeOf(freeze) };
  return {
    spec: batch === undefined ? at : { ...at, batchSize: wholeNumber("--batch", batch, 1) },
    phase,
    warmupSteps: wholeNumber("--warmup", options.warmup, 0),
    steps: wholeNumber("--steps", options.steps, 1),
    top: wholeNumber("--top", options.top, 1),
  };
}

/** @throws ThawError `option-invalid` */
function phaseOf({ phases }: Plan, asked: string | undefined): PhasePlan {
  const phase = asked === undefined ? phases.at(-1) : phases.find(({ name }) => name === asked);
  if (phase !== undefined) return phase;
  const names = phases.map(({ name }) => name);
  const [near] = nearest(asked ?? "", names);
  throw new ThawError("option-invalid", `--phase: the spec has no phase "${asked}"; it has ${names.join(", ")}.`, {
    hint: near === undefined ? `For example: --phase ${names[0]}` : `Did you mean "${near}"?`,
  });
}

/**
 * Which steps of which phase of a plan are meant.
 * @throws ThawError `option-invalid` for a phase that is not there, and for more steps than it has
 */
export function profileRequest(
  plan: Plan,
  job: ProfileJob,
): { readonly phase: PhasePlan; readonly request: ProfileRequest } {
  const { warmupSteps, steps } = job;
  const phase = phaseOf(plan, job.phase);
  const { epochs, name } = phase;
  const images = plan.splits.train.length;
  const [anEpoch, full] = [
    Math.ceil(images / plan.spec.batchSize),
    Math.max(1, Math.floor(images / plan.spec.batchSize)),
  ];
  const there = epochs * full - Math.floor(warmupSteps / anEpoch) * full - Math.min(warmupSteps % anEpoch, full);
  if (steps > there) {
    throw new ThawError(
      "option-invalid",
      `--steps ${steps}: phase "${name}" (${epochs} epochs of ${images} images) has ${Math.max(0, there)} full batches behind a warm-up of ${warmupSteps}.`,
      { hint: "Ask for fewer steps, or give the spec more epochs or a smaller batchSize." },
    );
  }
  return { phase, request: { phase: phase.name, warmupSteps, steps } };
}

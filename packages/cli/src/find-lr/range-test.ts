import {
  type Environment,
  learningRateAt,
  nearest,
  type Plan,
  parseSpec,
  type RunEvent,
  type Spec,
  serializeError,
  ThawError,
} from "@thaw/core";
import { hasExploded, type RangeStep } from "./loss-curve.ts";

/** What a range test runs over. */
export interface RangeAsked {
  /** Rates of the first and the last step. */
  readonly from: number;
  readonly to: number;
  /** At least so many; whole epochs are run. */
  readonly steps: number;
  /** Phase whose layers train; needed where the spec has several. */
  readonly phase: string | undefined;
}

/** How a test ended. */
export type RangeEnd =
  | { readonly how: "all-steps" }
  | { readonly how: "loss-exploded" }
  /** The runner stopped because of a number that is none. */
  | { readonly how: "non-finite"; readonly message: string };

/** What a test saw. */
export interface RangeRun {
  readonly environment: Environment;
  readonly steps: readonly RangeStep[];
  readonly ended: RangeEnd;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

type Phase = NonNullable<Spec["phases"]>[number];

/** @throws ThawError `option-invalid` */
function phaseOf({ phases }: Spec, asked: string | undefined): Partial<Phase> {
  if (phases === undefined) {
    if (asked === undefined) return {};
    throw new ThawError("option-invalid", `--phase: the spec has no phases, so none is called "${asked}".`, {
      hint: "Leave --phase out.",
    });
  }
  const named = phases.map((phase, index) => ({ phase, name: phase.name ?? `phase-${index + 1}` }));
  const [only] = named;
  const names = named.map(({ name }) => name);
  const found = asked === undefined && named.length === 1 ? only : named.find(({ name }) => name === asked);
  if (found !== undefined) return found.phase;
  const [near] = nearest(asked ?? "", names);
  const wrong = asked === undefined ? "the spec has several phases" : `the spec has no phase "${asked}"`;
  throw new ThawError("option-invalid", `--phase: ${wrong}; it has ${names.join(", ")}.`, {
    hint: near === undefined ? `For example: --phase ${names[0]}` : `Did you mean "${near}"?`,
  });
}

/**
 * The experiment of a range test: the spec's own, from its starting weights, with a rate that grows by the same factor
 * each step. It runs whole epochs.
 * @param trainImages images that the spec trains on
 * @throws ThawError `option-invalid`
 * @see Smith, Cyclical Learning Rates for Training Neural Networks, 2017, section 3.3
 */
export function rangeTestSpec(spec: Spec, trainImages: number, { from, to, steps, phase }: RangeAsked): Spec {
  const { phases: _phases, earlyStopping: _stopping, ...single } = spec;
  const { freeze = spec.freeze, optimizer = spec.optimizer } = phaseOf(spec, phase);
  const anEpoch = Math.ceil(trainImages / spec.batchSize);
  const epochs = Math.ceil(steps / anEpoch);
  const decaySteps = epochs * anEpoch - 1;
  const suffix = phase === undefined ? "-find-lr" : `-${phase}-find-lr`;
  return parseSpec(
    {
      ...single,
      name: `${spec.name.slice(0, 80 - suffix.length)}${suffix}`,
      freeze,
      epochs,
      optimizer: {
        ...optimizer,
        learningRate: { schedule: "exponential", initial: from, decaySteps, decayRate: to / from },
      },
      record: "steps",
    },
    { where: "range test" },
  );
}

/** Fewer steps before a number that is none point to weights or images, not to the rate. */
const LEAST_STEPS = 3;

/**
 * Follows a range test until its loss blows up or its steps are done, and then stops the run.
 * @throws ThawError what the run throws, but for a loss that stops being finite on the way
 */
export async function followRangeTest(
  plan: Plan,
  run: AsyncIterable<RunEvent>,
  onEvent: (event: RunEvent) => void,
): Promise<RangeRun> {
  const rate = plan.spec.optimizer.learningRate;
  const steps: RangeStep[] = [];
  const warnings: { code: string; message: string }[] = [];
  let environment: Environment | undefined;
  let ended: RangeEnd = { how: "all-steps" };
  try {
    for await (const event of run) {
      onEvent(event);
      if (event.type === "start") environment = event.environment;
      if (event.type === "warning") warnings.push({ code: event.code, message: event.message });
      if (event.type !== "step") continue;
      steps.push({ step: event.step, learningRate: learningRateAt(rate, event.step - 1), loss: event.loss });
      if (!hasExploded(steps.map(({ loss }) => loss))) continue;
      ended = { how: "loss-exploded" };
      break;
    }
  } catch (error) {
    const { code, message } = serializeError(error);
    if (code !== "non-finite" || steps.length < LEAST_STEPS) throw error;
    ended = { how: "non-finite", message };
  }
  if (environment === undefined) throw new ThawError("runner-crashed", "The runner ended before it began.");
  return { environment, steps, ended, warnings };
}

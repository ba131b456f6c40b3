import type { FORMATS } from "../formats/formats.ts";
import type { LayerTreatment, TrainableCount } from "../freeze/policy.ts";
import type { KerasConfig } from "../model/network.ts";
import type { PhasePlan, Plan } from "../plan/plan.ts";
import { hashOf } from "../spec/hash.ts";
import type { Spec } from "../spec/schema.ts";
import type { EngineSettings, Environment } from "./environment.ts";
import type { Outcome } from "./outcome.ts";

/** What trained in one phase. */
export interface PhaseSummary {
  readonly name: string;
  readonly epochs: number;
  readonly freeze: PhasePlan["freeze"];
  readonly optimizer: PhasePlan["optimizer"];
  readonly trainable: TrainableCount;
  readonly cut: PhasePlan["cut"];
  readonly cost: PhasePlan["cost"];
  readonly layers: readonly LayerTreatment[];
}

/** Images of a held-out part, in the order of the outcome's predictions. */
export interface HeldOut {
  readonly ids: readonly string[];
  /** Class index of each. */
  readonly labels: readonly number[];
}

/** One finished cell: a JSON file, written once. */
export interface Result extends Outcome {
  readonly version: typeof FORMATS.result.version;
  /** File name without `.json`. */
  readonly cell: string;
  /** Where in a sweep the cell stands; null for a single run. */
  readonly sweep: { readonly name: string; readonly group: string; readonly label: string } | null;
  readonly thawVersion: string;
  readonly runner: string;
  /** ISO 8601, UTC. */
  readonly finishedAt: string;
  readonly specHash: string;
  readonly planHash: string;
  readonly spec: Spec;
  /** Configuration of the network, for architecture `keras`. */
  readonly config?: KerasConfig;
  readonly weights: { readonly source: string; readonly sha256: string | null };
  readonly data: {
    readonly source: string;
    readonly classes: readonly string[];
    readonly images: number;
    readonly train: number;
    readonly validation: number;
    readonly test: number;
    readonly decoding: Readonly<Record<string, string | number>>;
    /** Which images were held out; absent in results of Thaw 0.1. */
    readonly heldOut?: { readonly validation: HeldOut; readonly test: HeldOut };
  };
  readonly phases: readonly PhaseSummary[];
  readonly environment: Environment;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

/** The name of a cell: readable, and unique to what decides its numbers. */
export async function cellName(plan: Plan, runner: string, settings: EngineSettings): Promise<string> {
  const hash = await hashOf({ plan: plan.planHash, runner, settings, record: plan.spec.record });
  return `${plan.spec.name}-${runner}-${hash.slice(0, 12)}`;
}

function heldOut({ dataset }: Plan, indices: readonly number[]): HeldOut {
  return {
    ids: indices.map((index) => dataset.ids[index] ?? String(index)),
    labels: indices.map((index) => dataset.labels[index] ?? 0),
  };
}

/** What a result takes from its plan. */
export function resultOfPlan(
  plan: Plan,
): Pick<Result, "specHash" | "planHash" | "spec" | "config" | "weights" | "data" | "phases"> {
  const { dataset, splits } = plan;
  return {
    specHash: plan.specHash,
    planHash: plan.planHash,
    spec: plan.spec,
    ...(plan.config === undefined ? {} : { config: plan.config }),
    weights: { source: plan.weights.source, sha256: plan.weights.blob?.sha256 ?? null },
    data: {
      source: dataset.source,
      classes: dataset.classes,
      images: dataset.labels.length,
      train: splits.train.length,
      validation: splits.validation.length,
      test: splits.test.length,
      decoding: dataset.decoding,
      heldOut: { validation: heldOut(plan, splits.validation), test: heldOut(plan, splits.test) },
    },
    phases: plan.phases.map(({ treatments, ...phase }) => ({ ...phase, layers: treatments })),
  };
}

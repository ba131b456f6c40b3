import type { BlobRef, Dataset, DataWarning } from "../data/dataset.ts";
import { type Splits, splitDataset } from "../data/split.ts";
import { ThawError } from "../error.ts";
import { countTrainable, type LayerTreatment, resolveFreeze, type TrainableCount } from "../freeze/policy.ts";
import { liveAt } from "../model/cut.ts";
import type { Preprocessing } from "../model/layer.ts";
import { buildNetwork, type KerasConfig, type Network } from "../model/network.ts";
import { hashOf } from "../spec/hash.ts";
import type { FreezePolicy, OptimizerSpec, Spec } from "../spec/schema.ts";
import { frozenPrefix, type PassStep, planPass, type StepCost, stepCost } from "./pass.ts";

/** Weights of the base, as a safetensors blob; `null` blob: fresh weights from the seed. */
export interface WeightsRef {
  readonly blob: BlobRef | null;
  /** What a person reads: id or file name. */
  readonly source: string;
}

/** One phase of training, resolved. */
export interface PhasePlan {
  readonly name: string;
  readonly epochs: number;
  readonly freeze: FreezePolicy;
  readonly optimizer: OptimizerSpec;
  /** A row per layer of the network, base and head. */
  readonly treatments: readonly LayerTreatment[];
  readonly trainable: TrainableCount;
  /** First layer that carries a gradient, and what crosses the cut below it. */
  readonly cut: { readonly index: number; readonly layer: string | null; readonly live: readonly string[] };
  readonly cost: StepCost;
}

/** Everything a runner needs, as plain data: the spec with its inputs pinned by hash. */
export interface Plan {
  readonly version: 1;
  /** Hash of everything that decides the numbers: spec without names and paths, weights, data, splits. */
  readonly planHash: string;
  readonly specHash: string;
  readonly spec: Spec;
  readonly weights: WeightsRef;
  readonly headWeights: WeightsRef | null;
  /** The configuration that `model.config` names; there where the architecture is `keras`. */
  readonly config?: KerasConfig;
  /** The network's own: what pixels become before it sees them. */
  readonly preprocessing: Preprocessing;
  readonly dataset: Dataset;
  readonly splits: Splits;
  readonly phases: readonly PhasePlan[];
  readonly warnings: readonly DataWarning[];
}

/** What a plan is made from. */
export interface PlanInputs {
  readonly spec: Spec;
  readonly weights: WeightsRef;
  readonly headWeights: WeightsRef | null;
  readonly config?: KerasConfig;
  readonly dataset: Dataset;
  readonly warnings: readonly DataWarning[];
}

function planPhase(network: Network, spec: Spec, phase: NonNullable<Spec["phases"]>[number], index: number): PhasePlan {
  const freeze = phase.freeze ?? spec.freeze;
  const treatments = resolveFreeze(freeze, network.base.layers, network.head, spec);
  const trainable = countTrainable(network.layers, treatments);
  if (trainable.tensors === 0) {
    throw new ThawError("freeze-invalid", "freeze: nothing is left to train, the head is frozen too.", {
      hint: 'Let a rule such as { "layers": "head", "train": true } come first.',
    });
  }
  const steps = planPass(network.layers, treatments);
  const cut = frozenPrefix(steps);
  return {
    name: phase.name ?? `phase-${index + 1}`,
    epochs: phase.epochs,
    freeze,
    optimizer: phase.optimizer ?? spec.optimizer,
    treatments,
    trainable,
    cut: { index: cut, layer: network.layers[cut]?.name ?? null, live: liveAt(network.layers, cut) },
    cost: stepCost(steps),
  };
}

/** The part of a spec that decides numbers once its inputs are pinned by hash. */
function numericSpec(spec: Spec): unknown {
  const {
    name: _name,
    $schema: _schema,
    record: _record,
    stepLimitSeconds: _limit,
    data: _data,
    model,
    ...rest
  } = spec;
  const { weights: _weights, config: _config, head, ...architecture } = model;
  return { ...rest, model: { ...architecture, head: { name: head.name, dropout: head.dropout } } };
}

/**
 * Resolves a spec and its inputs to a plan.
 * @throws ThawError `freeze-invalid`, `split-invalid`, `model-unsupported`
 */
export async function makePlan({ spec, weights, headWeights, config, dataset, warnings }: PlanInputs): Promise<Plan> {
  const network = buildNetwork(spec.model, dataset.classes.length, config);
  const splits = splitDataset(dataset, spec.split, spec.seed);
  const phases = (spec.phases ?? [{ epochs: spec.epochs }]).map((phase, index) =>
    planPhase(network, spec, phase, index),
  );
  const specHash = await hashOf({ ...spec, $schema: undefined });
  const planHash = await hashOf({
    spec: numericSpec(spec),
    weights: weights.blob?.sha256 ?? null,
    head: headWeights?.blob?.sha256 ?? null,
    ...(config === undefined ? {} : { config: config.json }),
    images: dataset.shards.map((shard) => shard.sha256),
    labels: dataset.labels,
    splits,
  });
  return {
    version: 1,
    planHash,
    specHash,
    spec,
    weights,
    headWeights,
    ...(config === undefined ? {} : { config }),
    preprocessing: network.base.preprocessing,
    dataset,
    splits,
    phases,
    warnings,
  };
}

/** The network of a plan. */
export function networkOf(plan: Plan): Network {
  return buildNetwork(plan.spec.model, plan.dataset.classes.length, plan.config);
}

/** The executor's view of a phase. */
export function passOf(plan: Plan, phase: PhasePlan): readonly PassStep[] {
  return planPass(networkOf(plan).layers, phase.treatments);
}

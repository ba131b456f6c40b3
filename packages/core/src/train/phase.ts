import type { DeviceTensor } from "../kernels/kernels.ts";
import type { NamedTensors } from "../model/safetensors.ts";
import { networkOf, type PhasePlan, type Plan } from "../plan/plan.ts";
import type { EpochRecord } from "../runner/outcome.ts";
import type { RunEvent } from "../runner/runner.ts";
import type { Checkpoint, EpochProgress, PhaseProgress } from "./checkpoint.ts";
import { EarlyStopping } from "./early-stopping.ts";
import { endsEarly, isWatched, type RunState, trainEpoch, watchOf } from "./epoch.ts";
import { evaluate } from "./evaluate.ts";
import type { FrozenFeatures } from "./frozen-features.ts";
import { checkUnmoved, digestWeights, unmovedNames } from "./frozen-weights.ts";
import { checkWeights } from "./non-finite.ts";
import { Optimizer, type ParameterGroup } from "./optimizer.ts";
import { refillFeatures, stepsFor } from "./phase-features.ts";
import { saveRun } from "./run-checkpoint.ts";
import { roundMs } from "./timing.ts";

/** Trainable weights in Keras's order, grouped by multiplier. */
function parameterGroups(plan: Plan, phase: PhasePlan): readonly ParameterGroup[] {
  const groups = new Map<number, string[]>();
  for (const [index, layer] of networkOf(plan).layers.entries()) {
    const multiplier = phase.treatments[index]?.lrMultiplier ?? 0;
    if (multiplier === 0) continue;
    const names = layer.weights.filter((weight) => weight.trainable).map((weight) => `${layer.name}/${weight.name}`);
    groups.set(multiplier, [...(groups.get(multiplier) ?? []), ...names]);
  }
  return [...groups].filter(([, names]) => names.length > 0).map(([lrMultiplier, names]) => ({ lrMultiplier, names }));
}

/** Says that this backend's kernels round an image otherwise in another batch. */
function roundingWarning(features: FrozenFeatures<DeviceTensor>): RunEvent[] {
  const rounding = features.batchRounding;
  if (rounding === undefined) return [];
  const { layer, worst } = rounding;
  const message = `This backend rounds an image otherwise alone than in a batch: "${layer}" differs by up to ${worst.toExponential(1)} of its largest value. Outputs kept from the first epoch are as exact as those computed again, but not the same bits.`;
  return [{ type: "warning", code: "cache-batch-rounding", message }];
}

/** How a phase ended. */
interface PhaseEnd {
  /** Whether early stopping ended it. */
  readonly stoppedEarly: boolean;
  /** Epoch whose weights these are. */
  readonly epoch: number;
}

/**
 * Trains one phase, or the rest of it.
 * @param from what an earlier process left of the phase; its weights are in the variables already
 */
export async function* trainPhase<T extends DeviceTensor>(
  state: RunState<T>,
  phase: PhasePlan,
  features: FrozenFeatures<T>,
  from?: Checkpoint,
): AsyncGenerator<RunEvent, PhaseEnd> {
  const { plan, host, images, variables, checkpoints } = state;
  const { spec, splits, dataset } = plan;
  const { kernels, savesMemory = false } = host;
  const context = { kernels, steps: stepsFor(host, plan, phase), variables, savesMemory, ...watchOf(state) };
  const progress = from?.run.progress;
  const unmoved = unmovedNames(context.steps);
  const before = progress?.unmoved ?? (await digestWeights(variables, unmoved));
  const optimizer = new Optimizer(host.kernels, phase.optimizer, parameterGroups(plan, phase), variables);
  const { earlyStopping } = spec;
  const watches = earlyStopping !== undefined && !isWatched(state); // a trace has no validation to judge by
  const stopping = watches ? new EarlyStopping(earlyStopping, progress?.stopping) : undefined;
  let best: { weights: NamedTensors; epoch: number } | undefined;
  if (progress?.bestEpoch !== undefined) best = { weights: from?.best ?? new Map(), epoch: progress.bestEpoch };
  let stoppedEarly = false;
  const onProgress = (): void => host.onProgress?.();
  const first = progress?.epochs ?? 0;
  try {
    if (progress !== undefined) {
      optimizer.restore(progress.updates, from?.slots ?? new Map());
      await refillFeatures(state, features, progress);
    }
    for (let index = first; index < phase.epochs && !stoppedEarly; index += 1) {
      const epoch = state.epochs.length + 1;
      const keep = async function* (done: EpochProgress): AsyncGenerator<RunEvent, void> {
        const saved: PhaseProgress = {
          epochs: index,
          epoch: done,
          updates: optimizer.updates,
          ...(stopping === undefined ? {} : { stopping: stopping.state }),
          ...(best === undefined ? {} : { bestEpoch: best.epoch }),
          unmoved: before,
        };
        const slots = await optimizer.download();
        yield* saveRun(state, phase, saved, slots, best?.weights ?? new Map());
      };
      const {
        metrics,
        learningRate,
        trainMs,
        images: trained,
        parts,
        dispatchesAStep,
      } = yield* trainEpoch(state, context, features, optimizer, epoch, {
        from: index === first ? progress?.epoch : undefined,
        keep: checkpoints === undefined ? undefined : keep,
      });
      if (index === first) yield* roundingWarning(features);
      const evaluateStart = host.now();
      const hasValidation = splits.validation.length > 0 && !isWatched(state);
      const validation = hasValidation
        ? (await evaluate(context, features, images, dataset.labels, splits.validation, spec.batchSize, onProgress))
            .metrics
        : null;
      const evaluateMs = roundMs(host.now() - evaluateStart);
      await checkWeights(variables, epoch);
      const record: EpochRecord = {
        phase: phase.name,
        epoch,
        learningRate,
        train: metrics,
        validation,
        trainMs: roundMs(trainMs),
        evaluateMs,
        imagesPerSecond: roundMs((trained / trainMs) * 1000),
        ...(parts === undefined ? {} : { parts }),
        ...(dispatchesAStep === undefined ? {} : { dispatchesAStep }),
      };
      state.epochs.push(record);
      yield { type: "epoch", ...record };
      const verdict = stopping?.observe({
        ...metrics,
        ...(validation === null ? {} : { validationLoss: validation.loss, validationAccuracy: validation.accuracy }),
      });
      if (verdict?.improved && spec.earlyStopping?.restoreBestWeights) {
        best = { weights: await variables.download(), epoch };
      }
      stoppedEarly = verdict?.stop === true;
      if (endsEarly(state)) break;
    }
  } finally {
    optimizer.dispose();
  }
  if (best !== undefined) variables.assign(best.weights);
  checkUnmoved(phase.name, before, await digestWeights(variables, unmoved));
  return { stoppedEarly, epoch: best?.epoch ?? state.epochs.length };
}

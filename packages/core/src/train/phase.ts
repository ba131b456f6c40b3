import type { DeviceTensor } from "../kernels/kernels.ts";
import type { NamedTensors } from "../model/safetensors.ts";
import { networkOf, type PhasePlan, type Plan } from "../plan/plan.ts";
import type { EpochRecord } from "../runner/outcome.ts";
import type { RunEvent } from "../runner/runner.ts";
import { EarlyStopping } from "./early-stopping.ts";
import { endsEarly, isWatched, type RunState, trainEpoch, watchOf } from "./epoch.ts";
import { evaluate } from "./evaluate.ts";
import type { FrozenFeatures } from "./frozen-features.ts";
import { checkUnmoved, digestWeights, unmovedNames } from "./frozen-weights.ts";
import { checkWeights } from "./non-finite.ts";
import { Optimizer, type ParameterGroup } from "./optimizer.ts";
import { stepsFor } from "./phase-features.ts";
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

/** Trains one phase; returns whether early stopping ended it. */
export async function* trainPhase<T extends DeviceTensor>(
  state: RunState<T>,
  phase: PhasePlan,
  features: FrozenFeatures<T>,
): AsyncGenerator<RunEvent, { stoppedEarly: boolean; epoch: number }> {
  const { plan, host, images, variables } = state;
  const { spec, splits, dataset } = plan;
  const { kernels, savesMemory = false } = host;
  const context = { kernels, steps: stepsFor(host, plan, phase), variables, savesMemory, ...watchOf(state) };
  const unmoved = unmovedNames(context.steps);
  const before = await digestWeights(variables, unmoved);
  const optimizer = new Optimizer(host.kernels, phase.optimizer, parameterGroups(plan, phase), variables);
  const { earlyStopping } = spec;
  const watches = earlyStopping !== undefined && !isWatched(state); // a trace has no validation to judge by
  const stopping = watches ? new EarlyStopping(earlyStopping) : undefined;
  let best: { weights: NamedTensors; epoch: number } | undefined;
  let stoppedEarly = false;
  const onProgress = (): void => host.onProgress?.();
  try {
    for (let index = 0; index < phase.epochs && !stoppedEarly; index += 1) {
      const epoch = state.epochs.length + 1;
      const { learningRate } = optimizer;
      const {
        metrics,
        trainMs,
        images: trained,
        parts,
        dispatchesAStep,
      } = yield* trainEpoch(state, context, features, optimizer, epoch);
      if (index === 0) yield* roundingWarning(features);
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

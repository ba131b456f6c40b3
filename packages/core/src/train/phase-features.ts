import type { DeviceTensor } from "../kernels/kernels.ts";
import {
  type CacheBudget,
  DEFAULT_CACHE_BUDGET,
  type FeatureCachePlan,
  planFeatureCache,
} from "../plan/feature-cache.ts";
import { withoutPadding } from "../plan/padding.ts";
import { type PassStep, staticPrefix } from "../plan/pass.ts";
import { type PhasePlan, type Plan, passOf } from "../plan/plan.ts";
import type { Environment } from "../runner/environment.ts";
import type { Host } from "../runner/runner.ts";
import { hashOf } from "../spec/hash.ts";
import { computedBy, type PhaseProgress } from "./checkpoint.ts";
import { type RunState, watchOf } from "./epoch.ts";
import { EpochBatches, heldOutBatches } from "./epoch-batches.ts";
import { type FeatureStore, memoryStore } from "./feature-store.ts";
import { FrozenFeatures } from "./frozen-features.ts";
import { FrozenPrefix } from "./frozen-prefix.ts";
import { digestWeights } from "./frozen-weights.ts";
import type { Variables } from "./variables.ts";

/** The executor's view of a phase on a host. */
export function stepsFor(
  { padsInConvolutions = false }: Pick<Host, "padsInConvolutions">,
  plan: Plan,
  phase: PhasePlan,
): readonly PassStep[] {
  const steps = passOf(plan, phase);
  return padsInConvolutions ? withoutPadding(steps) : steps;
}

/** What a phase keeps of its frozen prefix under a budget. */
function planPhaseCache(
  { spec, splits }: Plan,
  phase: PhasePlan,
  steps: readonly PassStep[],
  budget: CacheBudget,
): FeatureCachePlan {
  const images = { trainImages: splits.train.length, validationImages: splits.validation.length };
  return planFeatureCache(steps, staticPrefix(steps), spec, { ...images, epochs: phase.epochs }, budget);
}

/**
 * Names everything that decides the outputs at the cut: images, weights below it, and what computes them. Kept files of
 * another key are stale.
 */
async function keyOf<T extends DeviceTensor>(
  plan: Plan,
  steps: readonly PassStep[],
  cache: FeatureCachePlan,
  variables: Variables<T>,
  environment: Environment,
): Promise<string> {
  const below = new Set(
    steps.slice(0, cache.cut).flatMap(({ layer }) => layer.weights.map(({ name }) => `${layer.name}/${name}`)),
  );
  return await hashOf({
    images: plan.dataset.shards.map(({ sha256 }) => sha256),
    model: plan.spec.model.architecture,
    ...(plan.config === undefined ? {} : { config: plan.config.json, preprocessing: plan.preprocessing }),
    cut: cache.cut,
    tensors: cache.tensors,
    weights: await digestWeights(variables, below),
    computedBy: computedBy(environment),
  });
}

/** Prepares a phase's frozen prefix and the place for its outputs. The caller closes it. */
export async function openFeatures<T extends DeviceTensor>(
  state: RunState<T>,
  phase: PhasePlan,
): Promise<{ features: FrozenFeatures<T>; plan: FeatureCachePlan; close: () => Promise<void> }> {
  const { plan, host, variables } = state;
  const steps = stepsFor(host, plan, phase);
  const asked = host.cache ?? DEFAULT_CACHE_BUDGET;
  const budget = host.openFeatureFiles === undefined ? { ...asked, diskBytes: 0 } : asked;
  const cache = planPhaseCache(plan, phase, steps, budget);
  const context = { kernels: host.kernels, steps, variables, ...watchOf(state) };
  const prefix = new FrozenPrefix(context, staticPrefix(steps));
  let store: FeatureStore | undefined;
  if (cache.where === "memory") store = memoryStore(cache.keeps);
  if (cache.where === "disk") {
    store = await host.openFeatureFiles?.(await keyOf(plan, steps, cache, variables, host.environment), cache);
  }
  const features = new FrozenFeatures(context, prefix, plan.preprocessing, cache, store, host.prefixBatch);
  return {
    features,
    plan: cache,
    close: async () => await store?.close(),
  };
}

/**
 * Keeps again what a process kept that is gone, image by image in the batches in which it came to them: a backend may
 * round an image otherwise in other company.
 */
export async function refillFeatures<T extends DeviceTensor>(
  { plan, host, images, epochs }: RunState<T>,
  features: FrozenFeatures<T>,
  progress: PhaseProgress,
): Promise<void> {
  const { splits, spec } = plan;
  const current = epochs.length + 1;
  for (let epoch = current - progress.epochs; epoch <= current; epoch += 1) {
    const batches = new EpochBatches(plan, images, epoch);
    const wanted = epoch < current ? Number.POSITIVE_INFINITY : progress.epoch.batches;
    for (let next = batches.next(); next !== undefined && batches.place.batches <= wanted; next = batches.next()) {
      if (host.signal?.aborted || !(await features.fill(next.shown))) return;
      host.onProgress?.();
    }
    if (epoch === current) return;
    for (const { shown } of heldOutBatches(images, splits.validation, spec.batchSize)) {
      if (host.signal?.aborted || !(await features.fill(shown))) return;
      host.onProgress?.();
    }
  }
}

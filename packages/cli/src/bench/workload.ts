import { type PreparedPlan, preparePlan } from "@thaw/assets";
import {
  type FreezePolicy,
  freezeLabel,
  hashOf,
  type PassStep,
  type Plan,
  passOf,
  type Spec,
  sizeOf,
  ThawError,
} from "@thaw/core";
import type { BenchJob } from "./bench-options.ts";
import type { Workload } from "./bench-report.ts";

/** One depth and batch size, ready to run. */
export interface PreparedWorkload {
  readonly workload: Workload;
  readonly prepared: PreparedPlan;
}

/** Images of a sample where nobody says otherwise. */
const DEFAULT_IMAGES = 128;
const FLOAT32_BYTES = 4;

/** The spec of one sample: training alone, on the first images in a fixed order, so that all have the same batches. */
function sampleSpec(spec: Spec, job: BenchJob, freeze: FreezePolicy, batchSize: number): Spec {
  const { phases: _phases, earlyStopping: _stopping, ...rest } = spec;
  return {
    ...rest,
    name: `${spec.name}-bench`.slice(0, 80),
    data: { ...spec.data, limit: job.images ?? DEFAULT_IMAGES },
    split: { validation: 0, test: 0, by: "last" },
    freeze,
    batchSize,
    epochs: job.epochs,
    shuffle: false,
    record: "epochs",
  };
}

/**
 * Bytes that one image moves in one forward pass, estimated: each layer's output is written once and read once.
 * Weights, and what kernels move beyond that, are left out.
 */
export function forwardBytes(steps: readonly PassStep[]): number {
  return steps.reduce((sum, { layer }) => sum + 2 * sizeOf(layer.outputShape) * FLOAT32_BYTES, 0);
}

/** What decides how much there is to do; names, and what a later version may add to a spec, do not. */
async function workloadHash({ spec, weights, config, dataset, splits, phases }: Plan): Promise<string> {
  const { architecture, alpha, imageSize, head } = spec.model;
  return await hashOf({
    model: { architecture, alpha, imageSize, dropout: head.dropout, config: config?.json },
    weights: weights.blob?.sha256 ?? null,
    images: dataset.shards.map(({ sha256 }) => sha256),
    train: splits.train,
    classes: dataset.classes.length,
    optimizer: phases[0]?.optimizer,
    treatments: phases[0]?.treatments.map(({ lrMultiplier, batchNormMode }) => [lrMultiplier, batchNormMode]),
    augmentation: spec.augmentation,
    batchSize: spec.batchSize,
    epochs: spec.epochs,
  });
}

async function workloadOf(plan: Plan): Promise<Workload> {
  const [phase] = plan.phases;
  if (phase === undefined) throw new ThawError("internal", "The plan has no phase.");
  const steps = passOf(plan, phase);
  return {
    depth: freezeLabel(plan.spec.freeze),
    batchSize: plan.spec.batchSize,
    hash: await workloadHash(plan),
    stepMacs: phase.cost.stepMacs,
    prefixMacs: phase.cost.prefixMacs,
    // Backward, the gradient of each output that has one is written once and read once.
    stepBytes: forwardBytes(steps) + forwardBytes(steps.filter(({ carriesGradient }) => carriesGradient)),
  };
}

/** @throws ThawError `option-invalid` */
function checkImages({ splits, spec }: Plan, job: BenchJob): void {
  const images = splits.train.length;
  if (job.images !== null && images < job.images) {
    throw new ThawError("option-invalid", `--images ${job.images}: the set has ${images} images.`, {
      hint: `Give --images ${images} at most, or a larger set.`,
    });
  }
  if (images < spec.batchSize) {
    throw new ThawError("option-invalid", `--batch ${spec.batchSize}: ${images} images do not fill one batch.`, {
      hint: "Give more --images, or a smaller --batch.",
    });
  }
}

/**
 * Plans every depth and batch size.
 * @throws ThawError what planning throws, and `option-invalid` for more images than there are
 */
export async function prepareWorkloads(
  spec: Spec,
  job: BenchJob,
  options: { readonly baseDir: string; readonly onNote: (note: string) => void },
): Promise<readonly PreparedWorkload[]> {
  const workloads: PreparedWorkload[] = [];
  for (const batchSize of job.batchSizes) {
    for (const freeze of job.depths) {
      const prepared = await preparePlan(sampleSpec(spec, job, freeze, batchSize), options);
      checkImages(prepared.plan, job);
      workloads.push({ workload: await workloadOf(prepared.plan), prepared });
    }
  }
  return workloads;
}

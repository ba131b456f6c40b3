import { drawChanges, type ImageStore } from "../data/images.ts";
import { randomStream } from "../data/random.ts";
import { ThawError } from "../error.ts";
import type { DeviceTensor } from "../kernels/kernels.ts";
import type { Plan } from "../plan/plan.ts";
import type { EpochRecord, StepRecord } from "../runner/outcome.ts";
import type { Host, RunEvent } from "../runner/runner.ts";
import type { DropoutMask, PassContext } from "./forward.ts";
import { type FeatureBatch, type FrozenFeatures, imageKey } from "./frozen-features.ts";
import { type Metrics, means, noMetrics } from "./metrics.ts";
import type { Optimizer } from "./optimizer.ts";
import type { Profiler } from "./profiler.ts";
import { type Batch, type StepWatch, trainStep } from "./step.ts";
import { roundMs, StepParts } from "./timing.ts";
import type { Tracer } from "./tracer.ts";
import type { Variables } from "./variables.ts";

/** A run in progress: what all its epochs share. */
export interface RunState<T extends DeviceTensor> {
  readonly plan: Plan;
  readonly host: Host<T>;
  readonly images: ImageStore;
  readonly variables: Variables<T>;
  readonly epochs: EpochRecord[];
  readonly steps: StepRecord[];
  readonly stepMs: number[];
  /** Times of the steps that were not the first and had a full batch. */
  readonly steadyMs: number[];
  readonly peaks: { tensors: number; bytes: number };
  /** Present in a traced run. */
  readonly tracer?: Tracer<T>;
  /** Present in a profiled run; the host's kernels are then its own. */
  readonly profiler?: Profiler<T>;
}

/** Whether somebody looks into the run, who wants no more of it than its steps. */
export function isWatched<T extends DeviceTensor>({ tracer, profiler }: RunState<T>): boolean {
  return tracer !== undefined || profiler !== undefined;
}

/** Whether whoever looks into the run has seen enough. */
export function endsEarly<T extends DeviceTensor>({ tracer, profiler }: RunState<T>): boolean {
  return tracer?.done === true || profiler?.done === true;
}

/** The part of a pass's context by which a profile hears of layers. */
export function watchOf<T extends DeviceTensor>({ profiler }: RunState<T>): Pick<PassContext<T>, "enterLayer"> {
  return profiler === undefined ? {} : { enterLayer: profiler.enterLayer };
}

/** The order of the training images in an epoch; each epoch has a stream of its own, so that a run can resume. */
export function epochOrder(train: readonly number[], shuffle: boolean, seed: number, epoch: number): readonly number[] {
  return shuffle ? randomStream(seed, `order/${epoch}`).shuffle([...train]) : train;
}

function dropoutMasks(seed: number, step: number): DropoutMask {
  return (layerName, rate, shape) => {
    const random = randomStream(seed, `dropout/${layerName}/${step}`);
    const mask = new Float32Array(shape.reduce((a, b) => a * b, 1));
    for (let index = 0; index < mask.length; index += 1) mask[index] = random.uniform() < rate ? 0 : 1 / (1 - rate);
    return mask;
  };
}

/** Remembers the most tensors and bytes seen alive. */
function notePeaks<T extends DeviceTensor>(state: RunState<T>): void {
  const { tensors, bytes } = state.host.kernels.memory();
  state.peaks.tensors = Math.max(state.peaks.tensors, tensors);
  state.peaks.bytes = Math.max(state.peaks.bytes, bytes);
}

/** Images in every batch of an epoch but, perhaps, the last: a small set may not fill one. */
export function fullBatchSize({ spec, splits }: Plan): number {
  return Math.min(spec.batchSize, splits.train.length);
}

function watchStep<T extends DeviceTensor>(state: RunState<T>, step: number, parts: StepParts): StepWatch<T> {
  const { tracer, profiler } = state;
  const watch: StepWatch<T> = {
    afterForward: () => notePeaks(state),
    lap(part) {
      parts.lap(part);
      profiler?.after(part);
    },
  };
  if (!tracer?.wantsInside(step)) return watch;
  return {
    ...watch,
    output: (layer, tensor) => tracer.output(layer, tensor),
    gradients: (loss, gradients) => tracer.gradients(loss, gradients),
  };
}

/** What an epoch gave. */
export interface EpochResult {
  readonly metrics: Metrics;
  readonly trainMs: number;
  readonly images: number;
  readonly parts: EpochRecord["parts"];
  readonly dispatchesAStep: number | undefined;
}

/** Trains one epoch, an event a step; a traced run may end within it. */
export async function* trainEpoch<T extends DeviceTensor>(
  state: RunState<T>,
  context: PassContext<T>,
  features: FrozenFeatures<T>,
  optimizer: Optimizer<T>,
  epoch: number,
): AsyncGenerator<RunEvent, EpochResult> {
  const { plan, host, images, profiler } = state;
  const { spec, splits, dataset } = plan;
  const order = epochOrder(splits.train, spec.shuffle, spec.seed, epoch);
  const augments = spec.augmentation.horizontalFlip || spec.augmentation.maxShift > 0;
  const random = augments ? randomStream(spec.seed, `augment/${epoch}`) : undefined;
  const sums = noMetrics();
  const parts = new StepParts(() => host.now());
  let [trainMs, trained] = [0, 0];
  const [dispatchesBefore, stepsBefore] = [host.dispatches?.(), state.stepMs.length];
  for (let start = 0; start < order.length; start += spec.batchSize) {
    if (host.signal?.aborted) throw new ThawError("cancelled", "The run was cancelled.");
    const step = state.stepMs.length + 1;
    const startedMs = host.now();
    parts.start();
    if (order.length - start >= fullBatchSize(plan)) profiler?.begin(epoch, step);
    const indices = order.slice(start, start + spec.batchSize);
    const changes = random === undefined ? undefined : drawChanges(indices.length, spec.augmentation, random);
    const pick: FeatureBatch["pixels"] = (positions, into) => {
      const chosen = positions.map((position) => indices[position] ?? -1);
      return images.pixels(chosen, changes && positions.map((position) => changes[position]), into);
    };
    const batch: Batch = {
      get images() {
        return images.changed(indices, changes ?? []);
      },
      imageShape: images.imageShape,
      labels: Int32Array.from(indices, (index) => dataset.labels[index] ?? 0),
    };
    const mask = dropoutMasks(spec.seed, step);
    await state.tracer?.batch(step, batch);
    const watch = watchStep(state, step, parts);
    const keys = indices.map((index, position) => imageKey(index, changes?.[position]?.flip));
    const input = parts.timed("input", profiler?.input(pick) ?? pick);
    const shown = { keys, pixels: input, imageShape: images.imageShape };
    if (features.boundary > 1) profiler?.enter("prefix"); // layer 0 is the input itself
    const live = await features.of(shown, watch.output);
    parts.lap("prefix");
    profiler?.enter("forward");
    const from = features.boundary;
    const at = { epoch, step };
    const loss = await trainStep(context, optimizer, batch, mask, sums, at, watch, { from, live });
    await host.synchronize();
    await profiler?.end(indices.length);
    host.onProgress?.();
    const ms = roundMs(host.now() - startedMs);
    trainMs += ms;
    trained += indices.length;
    if (step > 1 && indices.length === fullBatchSize(plan)) state.steadyMs.push(ms);
    state.stepMs.push(ms);
    if (spec.record === "steps") state.steps.push({ epoch, step, loss });
    yield { type: "step", epoch, step, loss, ms, images: indices.length };
    for (const file of (await state.tracer?.after(step, state.variables)) ?? []) yield { type: "trace", file };
    if (endsEarly(state)) break;
  }
  const dispatches = host.dispatches?.();
  const dispatchesAStep =
    dispatches === undefined || dispatchesBefore === undefined
      ? undefined
      : Math.round((dispatches - dispatchesBefore) / (state.stepMs.length - stepsBefore));
  return { metrics: means(sums), trainMs, images: trained, parts: parts.totals(), dispatchesAStep };
}

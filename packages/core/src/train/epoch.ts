import type { ImageStore } from "../data/images.ts";
import { randomStream } from "../data/random.ts";
import { ThawError } from "../error.ts";
import type { DeviceTensor } from "../kernels/kernels.ts";
import type { FeatureCachePlan } from "../plan/feature-cache.ts";
import type { Plan } from "../plan/plan.ts";
import type { EpochRecord, StepRecord } from "../runner/outcome.ts";
import type { Host, RunEvent } from "../runner/runner.ts";
import type { EpochProgress } from "./checkpoint.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { EpochBatches } from "./epoch-batches.ts";
import type { DropoutMask, PassContext } from "./forward.ts";
import type { FrozenFeatures } from "./frozen-features.ts";
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
  /** What each phase keeps of its frozen prefix. */
  readonly caches: ({ readonly phase: string } & FeatureCachePlan)[];
  /** Steps after which another process went on with the run. */
  readonly resumed: number[];
  /** When the run started by the host's clock; in the past of a process that goes on with it. */
  startedMs: number;
  /** Names of the weights that no phase may move. */
  readonly everFrozen: ReadonlySet<string>;
  /** Absent where nobody asked for them. */
  readonly checkpoints?: Checkpoints;
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
  readonly learningRate: number;
  readonly trainMs: number;
  readonly images: number;
  readonly parts: EpochRecord["parts"];
  readonly dispatchesAStep: number | undefined;
}

/** How an epoch takes its part in a run that can be killed. */
export interface EpochKeeping {
  /** What an earlier process did of the epoch. */
  readonly from: EpochProgress | undefined;
  /** Writes a checkpoint; absent where nobody asked for them. */
  readonly keep: ((progress: EpochProgress) => AsyncGenerator<RunEvent, void>) | undefined;
}

/** Trains one epoch, or the rest of it, an event a step; a traced run may end within it. */
export async function* trainEpoch<T extends DeviceTensor>(
  state: RunState<T>,
  context: PassContext<T>,
  features: FrozenFeatures<T>,
  optimizer: Optimizer<T>,
  epoch: number,
  { from, keep }: EpochKeeping,
): AsyncGenerator<RunEvent, EpochResult> {
  const { plan, host, images, profiler } = state;
  const { spec, dataset } = plan;
  const learningRate = from?.learningRate ?? optimizer.learningRate;
  const batches = new EpochBatches(plan, images, epoch, from);
  const sums = { ...(from?.sums ?? noMetrics()) };
  const parts = new StepParts(() => host.now(), from?.parts);
  let trainMs = from?.trainMs ?? 0;
  const dispatchesBefore = host.dispatches?.();
  const dispatched = (): number | null => {
    const now = host.dispatches?.();
    return now === undefined || dispatchesBefore === undefined
      ? null
      : now - dispatchesBefore + (from?.dispatches ?? 0);
  };
  const progress = (): EpochProgress => ({
    ...batches.place,
    learningRate,
    sums: { ...sums },
    trainMs,
    parts: parts.totals(),
    dispatches: dispatched(),
  });
  for (;;) {
    if (host.signal?.aborted) {
      if (keep !== undefined && optimizer.updates > 0) yield* keep(progress());
      throw new ThawError("cancelled", "The run was cancelled.");
    }
    const step = state.stepMs.length + 1;
    const startedMs = host.now();
    parts.start();
    const next = batches.next();
    if (next === undefined) break;
    const { indices, changes, shown } = next;
    const isFull = indices.length === fullBatchSize(plan);
    if (isFull) profiler?.begin(epoch, step);
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
    const input = parts.timed("input", profiler?.input(shown.pixels) ?? shown.pixels);
    if (features.boundary > 1) profiler?.enter("prefix"); // layer 0 is the input itself
    const live = await features.of({ ...shown, pixels: input }, watch.output);
    parts.lap("prefix");
    profiler?.enter("forward");
    const boundary = features.boundary;
    const at = { epoch, step };
    const loss = await trainStep(context, optimizer, batch, mask, sums, at, watch, { from: boundary, live });
    await host.synchronize();
    await profiler?.end(indices.length);
    host.onProgress?.();
    const ms = roundMs(host.now() - startedMs);
    trainMs += ms;
    if (step > (state.resumed.at(-1) ?? 0) + 1 && isFull) state.steadyMs.push(ms); // a process's first step compiles
    state.stepMs.push(ms);
    if (spec.record === "steps") state.steps.push({ epoch, step, loss });
    yield { type: "step", epoch, step, loss, ms, images: indices.length };
    for (const file of (await state.tracer?.after(step, state.variables)) ?? []) yield { type: "trace", file };
    if (endsEarly(state)) break;
    if (keep !== undefined && state.checkpoints?.isDue === true) yield* keep(progress());
  }
  const dispatches = dispatched();
  const dispatchesAStep = dispatches === null ? undefined : Math.round(dispatches / batches.place.batches);
  return { metrics: means(sums), learningRate, trainMs, images: sums.images, parts: parts.totals(), dispatchesAStep };
}

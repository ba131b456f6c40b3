import type { DeviceTensor } from "../kernels/kernels.ts";
import type { Activations } from "./activations.ts";
import { backward } from "./backward.ts";
import { type DropoutMask, forward, type PassContext } from "./forward.ts";
import type { LiveTensors } from "./frozen-prefix.ts";
import { addBatch, type MetricSums, predictedClasses } from "./metrics.ts";
import { nonFiniteLoss } from "./non-finite.ts";
import type { Optimizer } from "./optimizer.ts";

/** One batch on the host. */
export interface Batch {
  /** float32 [batch, height, width, 3], preprocessed */
  readonly images: Float32Array;
  readonly imageShape: readonly [number, number, number];
  readonly labels: Int32Array;
}

/** Where in the run a step is, 1-based, for messages. */
export interface StepPosition {
  readonly epoch: number;
  readonly step: number;
}

/** A part of a step that is timed. */
export type StepPart = "forward" | "backward" | "optimizer";

/** Where a step begins that does not begin with the images: what the frozen prefix gave for them. */
export interface StepStart<T> {
  /** Index of the first layer that runs. */
  readonly from: number;
  /** Outputs that cross the cut before it; taken over. */
  readonly live: LiveTensors<T>;
}

/** Who looks into a step while it runs. */
export interface StepWatch<T extends DeviceTensor> {
  /** Is called at the end of each part. */
  readonly lap?: (part: StepPart) => void;
  /** Called where most tensors are alive. */
  afterForward(): void;
  /** Present where every layer's output is wanted; they are kept until all were shown. */
  readonly output?: (layer: string, tensor: T) => Promise<void>;
  /** Present where the gradients are wanted, by weight name. */
  readonly gradients?: (loss: number, gradients: ReadonlyMap<string, T>) => Promise<void>;
}

/** Shows every output that the forward pass stored and lets go of it. */
async function showOutputs<T extends DeviceTensor>(
  { steps }: PassContext<T>,
  activations: Activations<T>,
  show: (layer: string, tensor: T) => Promise<void>,
): Promise<void> {
  for (const index of activations.indices()) {
    await show(steps[index]?.layer.name ?? "", activations.get(index));
    activations.release(index);
  }
}

/**
 * Forward, loss, backward, update.
 * @param sums the epoch's metrics, added to
 * @param start where the step begins; without it with the batch's images
 * @returns the batch's mean loss before the update
 * @throws ThawError `non-finite` before anything is updated
 */
export async function trainStep<T extends DeviceTensor>(
  context: PassContext<T>,
  optimizer: Optimizer<T>,
  batch: Batch,
  dropoutMask: DropoutMask,
  sums: MetricSums,
  position: StepPosition,
  watch: StepWatch<T>,
  start?: StepStart<T>,
): Promise<number> {
  const { kernels, steps, variables } = context;
  const last = steps.length - 1;
  const shape = [batch.labels.length, ...batch.imageShape];
  const { from, live } = start ?? { from: 0, live: new Map([[0, kernels.upload(batch.images, shape)]]) };
  const { output } = watch;
  const mode = { training: true, updates: true, dropoutMask, keepsOutputs: output !== undefined } as const;
  const activations = forward(context, { from, to: steps.length }, live, mode);
  watch.afterForward();
  const labels = kernels.uploadLabels(batch.labels);
  try {
    if (output !== undefined) await showOutputs(context, activations, output);
    const logits = activations.take(last); // [batch, classes]
    const classCount = logits.shape[1] ?? 0;
    const { probabilities, losses } = kernels.softmaxCrossEntropy(logits, labels);
    kernels.dispose(logits);
    const predictions = predictedClasses(await kernels.download(probabilities), classCount);
    const loss = addBatch(sums, await kernels.download(losses), predictions, batch.labels);
    kernels.dispose(losses);
    if (!Number.isFinite(loss)) {
      kernels.dispose(probabilities);
      throw await nonFiniteLoss(context, kernels.upload(batch.images, shape), { ...position, loss });
    }
    watch.lap?.("forward");
    const dLogits = kernels.softmaxCrossEntropyGradient(probabilities, labels);
    kernels.dispose(probabilities);
    const gradients = backward(context, activations, dLogits);
    watch.lap?.("backward");
    await watch.gradients?.(loss, gradients);
    optimizer.apply(variables, gradients);
    watch.lap?.("optimizer");
    return loss;
  } finally {
    activations.dispose();
    kernels.dispose(labels);
  }
}

import type { DeviceTensor } from "../kernels/kernels.ts";
import { backward } from "./backward.ts";
import { type DropoutMask, forward, type PassContext } from "./forward.ts";
import { addBatch, type MetricSums, predictedClasses } from "./metrics.ts";
import { nonFiniteLoss } from "./non-finite.ts";
import type { Optimizer } from "./optimizer.ts";

/** One batch on the host. */
export interface Batch {
  /** float32 [batch, height, width, 3], -1…1 */
  readonly images: Float32Array;
  readonly imageShape: readonly [number, number, number];
  readonly labels: Int32Array;
}

/** Where in the run a step is, 1-based, for messages. */
export interface StepPosition {
  readonly epoch: number;
  readonly step: number;
}

/**
 * Forward, loss, backward, update.
 * @param sums the epoch's metrics, added to
 * @param afterForward called where most tensors are alive
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
  afterForward: () => void,
): Promise<number> {
  const { kernels, steps, variables } = context;
  const last = steps.length - 1;
  const shape = [batch.labels.length, ...batch.imageShape];
  const x = kernels.upload(batch.images, shape);
  const mode = { training: true, updates: true, dropoutMask } as const;
  const activations = forward(context, { from: 0, to: steps.length }, new Map([[0, x]]), mode);
  afterForward();
  const labels = kernels.uploadLabels(batch.labels);
  try {
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
    const dLogits = kernels.softmaxCrossEntropyGradient(probabilities, labels);
    kernels.dispose(probabilities);
    optimizer.apply(variables, backward(context, activations, dLogits));
    return loss;
  } finally {
    activations.dispose();
    kernels.dispose(labels);
  }
}

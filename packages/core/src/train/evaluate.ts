import type { ImageStore } from "../data/images.ts";
import type { DeviceTensor } from "../kernels/kernels.ts";
import type { Certainty } from "../runner/outcome.ts";
import { heldOutBatches } from "./epoch-batches.ts";
import { forward, type PassContext } from "./forward.ts";
import type { FrozenFeatures } from "./frozen-features.ts";
import { addBatch, confidencesOf, type Metrics, means, noMetrics, predictedClasses } from "./metrics.ts";
import { nonFiniteEvaluation } from "./non-finite.ts";

/** Metrics over a part of the data, and for each image the predicted class and how sure it is. */
export interface Evaluation {
  readonly metrics: Metrics;
  readonly predictions: readonly number[];
  readonly certainty: Certainty;
}

/** Six digits say all that a float32 of a report needs. */
function rounded(values: Iterable<number>): number[] {
  return Array.from(values, (value) => Number(value.toPrecision(6)));
}

/**
 * Runs images through the network in inference mode.
 * @param features outputs of the frozen prefix
 * @param onProgress called after every batch
 * @throws ThawError `non-finite`
 */
export async function evaluate<T extends DeviceTensor>(
  context: PassContext<T>,
  features: FrozenFeatures<T>,
  images: ImageStore,
  labels: readonly number[],
  indices: readonly number[],
  batchSize: number,
  onProgress?: () => void,
): Promise<Evaluation> {
  const { kernels, steps } = context;
  const sums = noMetrics();
  const predictions: number[] = [];
  const certainty = { losses: [] as number[], confidences: [] as number[] };
  for (const { indices: batch, shown } of heldOutBatches(images, indices, batchSize)) {
    const live = await features.of(shown);
    const outputs = forward(context, { from: features.boundary, to: steps.length }, live, { training: false });
    const logits = outputs.take(steps.length - 1); // [batch, classes]
    const classCount = logits.shape[1] ?? 0;
    const batchLabels = Int32Array.from(batch, (index) => labels[index] ?? 0);
    const labelTensor = kernels.uploadLabels(batchLabels);
    const { probabilities, losses } = kernels.softmaxCrossEntropy(logits, labelTensor);
    const shares = await kernels.download(probabilities);
    const predicted = predictedClasses(shares, classCount);
    const imageLosses = await kernels.download(losses);
    const loss = addBatch(sums, imageLosses, predicted, batchLabels);
    predictions.push(...predicted);
    certainty.losses.push(...rounded(imageLosses));
    certainty.confidences.push(...rounded(confidencesOf(shares, predicted)));
    for (const tensor of [logits, labelTensor, probabilities, losses]) kernels.dispose(tensor);
    if (!Number.isFinite(loss)) {
      const batchImages = kernels.upload(images.batch(batch), [batch.length, ...images.imageShape]);
      throw await nonFiniteEvaluation(context, batchImages);
    }
    onProgress?.();
  }
  return { metrics: means(sums), predictions, certainty };
}

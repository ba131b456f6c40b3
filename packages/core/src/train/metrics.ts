/** Sums of a pass over images; divide by `images` for the means. */
export interface MetricSums {
  loss: number;
  correct: number;
  images: number;
}

/** Mean loss and accuracy over images. */
export interface Metrics {
  readonly loss: number;
  /** 0…1 */
  readonly accuracy: number;
}

/** Starts sums at zero. */
export function noMetrics(): MetricSums {
  return { loss: 0, correct: 0, images: 0 };
}

/** Index of the largest value in a row, the first of equals. */
export function argMax(values: Float32Array): number {
  let best = 0;
  for (let index = 1; index < values.length; index += 1) {
    if ((values[index] ?? 0) > (values[best] ?? 0)) best = index;
  }
  return best;
}

/** Predicted class of each row of `[batch, classes]`. */
export function predictedClasses(probabilities: Float32Array, classCount: number): number[] {
  const rows = probabilities.length / classCount;
  return Array.from({ length: rows }, (_, row) =>
    argMax(probabilities.subarray(row * classCount, (row + 1) * classCount)),
  );
}

/** Largest probability of each row of `[batch, classes]`: what the predicted class was given. */
export function confidencesOf(probabilities: Float32Array, predictions: readonly number[]): number[] {
  const classCount = probabilities.length / predictions.length;
  return predictions.map((prediction, row) => probabilities[row * classCount + prediction] ?? 0);
}

/** Adds a batch and returns its mean loss. */
export function addBatch(
  sums: MetricSums,
  losses: Float32Array,
  predictions: readonly number[],
  labels: Int32Array,
): number {
  const lossSum = losses.reduce((sum, loss) => sum + loss, 0);
  sums.loss += lossSum;
  sums.images += labels.length;
  sums.correct += predictions.reduce((count, prediction, row) => count + Number(prediction === labels[row]), 0);
  return lossSum / labels.length;
}

/** Means of the sums; NaN where there were no images. */
export function means(sums: MetricSums): Metrics {
  return { loss: sums.loss / sums.images, accuracy: sums.correct / sums.images };
}

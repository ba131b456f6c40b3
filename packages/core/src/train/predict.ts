import { ThawError } from "../error.ts";
import type { DeviceTensor } from "../kernels/kernels.ts";
import { buildNetwork } from "../model/network.ts";
import { parseSafetensors } from "../model/safetensors.ts";
import type { PixelBatch, PredictEvent, PredictRequest } from "../runner/prediction.ts";
import type { Host } from "../runner/runner.ts";
import { checkStartingWeights } from "./non-finite.ts";
import { openPredictor } from "./predictor.ts";

/** What of a host predicting needs. */
export type PredictHost<T extends DeviceTensor> = Pick<
  Host<T>,
  "kernels" | "environment" | "synchronize" | "onProgress" | "prefixBatch" | "padsInConvolutions" | "signal"
>;

/**
 * Runs images through a trained network in inference mode, on a host: what every runner in this language predicts with.
 * @param batches are taken one at a time, so that any number of images may come
 * @throws ThawError `weights-mismatch`, `non-finite`, `batch-invalid`, `cancelled`
 */
export async function* predict<T extends DeviceTensor>(
  { model, classCount, weights, config }: PredictRequest,
  batches: AsyncIterable<PixelBatch>,
  host: PredictHost<T>,
): AsyncGenerator<PredictEvent> {
  const { kernels, environment, signal, prefixBatch = Number.POSITIVE_INFINITY, padsInConvolutions = false } = host;
  yield { type: "start", environment };
  const values = parseSafetensors(weights, "the model's weights");
  checkStartingWeights(values, "Prediction");
  const network = buildNetwork(model, classCount, config);
  const { inputShape } = network.base;
  const imageBytes = inputShape[0] * inputShape[1] * inputShape[2];
  const predictor = openPredictor(kernels, network, values, padsInConvolutions);
  try {
    for await (const { count, pixels } of batches) {
      if (signal?.aborted) throw new ThawError("cancelled", "The prediction was cancelled.");
      if (count < 1 || pixels.byteLength !== count * imageBytes) {
        const message = `A batch of ${count} images has ${pixels.byteLength} bytes, expected ${imageBytes} an image.`;
        throw new ThawError("batch-invalid", message, { hint: `Give uint8 images of ${inputShape.join(" × ")}.` });
      }
      const probabilities = new Float32Array(count * classCount);
      for (let start = 0; start < count; start += prefixBatch) {
        const end = Math.min(start + prefixBatch, count);
        const part = pixels.subarray(start * imageBytes, end * imageBytes);
        probabilities.set(await predictor.probabilities(part, end - start), start * classCount);
        host.onProgress?.();
      }
      if (!probabilities.every(Number.isFinite)) {
        throw new ThawError("non-finite", "The network's probabilities are not finite, though its weights are.", {
          hint: "This is a fault of the runner's kernels: `thaw ops` judges them one by one.",
        });
      }
      yield { type: "batch", count, probabilities };
      await host.synchronize(); // lets the event loop turn: a cancellation may be waiting
    }
    if (signal?.aborted) throw new ThawError("cancelled", "The prediction was cancelled.");
  } finally {
    predictor.dispose();
  }
}

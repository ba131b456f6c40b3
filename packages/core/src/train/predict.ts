import { ThawError } from "../error.ts";
import { resolveFreeze } from "../freeze/policy.ts";
import type { DeviceTensor } from "../kernels/kernels.ts";
import type { Preprocessing } from "../model/layer.ts";
import { buildNetwork, type Network } from "../model/network.ts";
import { parseSafetensors } from "../model/safetensors.ts";
import { withoutPadding } from "../plan/padding.ts";
import { type PassStep, planPass } from "../plan/pass.ts";
import type { PixelBatch, PredictEvent, PredictRequest } from "../runner/prediction.ts";
import type { Host } from "../runner/runner.ts";
import type { PassContext } from "./forward.ts";
import { FrozenPrefix } from "./frozen-prefix.ts";
import { uploadImages } from "./image-upload.ts";
import { checkStartingWeights } from "./non-finite.ts";
import { Variables } from "./variables.ts";

/** What of a host predicting needs. */
export type PredictHost<T extends DeviceTensor> = Pick<
  Host<T>,
  "kernels" | "environment" | "synchronize" | "onProgress" | "prefixBatch" | "padsInConvolutions" | "signal"
>;

/** The executor's view of a network that is frozen as a whole, each batch normalization in inference mode. */
function inferenceSteps({ base, head, layers }: Network, padsInConvolutions: boolean): readonly PassStep[] {
  const modes = { frozenBatchNorm: "inference", batchNorm: "inference-all" } as const;
  const count = base.layers.filter(({ operation }) => operation !== true).length;
  const steps = planPass(layers, resolveFreeze(count, base.layers, head, modes));
  return padsInConvolutions ? withoutPadding(steps) : steps;
}

/** @returns [images, classes], rows add up to 1 */
async function probabilitiesOf<T extends DeviceTensor>(
  { kernels, steps }: PassContext<T>,
  preprocessing: Preprocessing,
  network: FrozenPrefix<T>,
  pixels: Uint8Array,
  shape: readonly number[],
): Promise<Float32Array> {
  const images = uploadImages(kernels, preprocessing, pixels, shape); // [images, height, width, 3]
  const outputs = await network.run(0, steps.length, new Map([[0, images]]));
  const logits = outputs.get(steps.length - 1); // [images, classes]
  if (logits === undefined) throw new ThawError("internal", "The network gave no logits.");
  const labels = kernels.uploadLabels(new Int32Array(shape[0] ?? 0)); // the kernel wants some; the losses are not read
  const { probabilities, losses } = kernels.softmaxCrossEntropy(logits, labels);
  try {
    return await kernels.download(probabilities);
  } finally {
    for (const tensor of [logits, labels, probabilities, losses]) kernels.dispose(tensor);
  }
}

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
  const { inputShape, preprocessing } = network.base;
  const imageBytes = inputShape[0] * inputShape[1] * inputShape[2];
  const steps = inferenceSteps(network, padsInConvolutions);
  const variables = new Variables(kernels, network.layers, values);
  const context = { kernels, steps, variables };
  const whole = new FrozenPrefix(context, steps.length);
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
        const found = await probabilitiesOf(context, preprocessing, whole, part, [end - start, ...inputShape]);
        probabilities.set(found, start * classCount);
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
    variables.dispose();
  }
}

import { ThawError } from "../error.ts";
import { resolveFreeze } from "../freeze/policy.ts";
import type { DeviceTensor, Kernels } from "../kernels/kernels.ts";
import type { Network } from "../model/network.ts";
import type { NamedTensors } from "../model/safetensors.ts";
import { withoutPadding } from "../plan/padding.ts";
import { type PassStep, planPass } from "../plan/pass.ts";
import { FrozenPrefix } from "./frozen-prefix.ts";
import { uploadImages } from "./image-upload.ts";
import { Variables } from "./variables.ts";

/** The executor's view of a network that is frozen as a whole, each batch normalization in inference mode. */
function inferenceSteps({ base, head, layers }: Network, padsInConvolutions: boolean): readonly PassStep[] {
  const modes = { frozenBatchNorm: "inference", batchNorm: "inference-all" } as const;
  const count = base.layers.filter(({ operation }) => operation !== true).length;
  const steps = planPass(layers, resolveFreeze(count, base.layers, head, modes));
  return padsInConvolutions ? withoutPadding(steps) : steps;
}

/** A trained network on a device. */
export interface Predictor {
  /**
   * @param pixels uint8 [count, height, width, 3], 0…255
   * @returns [count, classes], rows add up to 1
   */
  probabilities(pixels: Uint8Array, count: number): Promise<Float32Array>;
  dispose(): void;
}

/** Puts a trained network on the device, in inference mode. */
export function openPredictor<T extends DeviceTensor>(
  kernels: Kernels<T>,
  network: Network,
  weights: NamedTensors,
  padsInConvolutions = false,
): Predictor {
  const { inputShape, preprocessing } = network.base;
  const steps = inferenceSteps(network, padsInConvolutions);
  const variables = new Variables(kernels, network.layers, weights);
  const whole = new FrozenPrefix({ kernels, steps, variables }, steps.length);
  return {
    async probabilities(pixels, count) {
      const images = uploadImages(kernels, preprocessing, pixels, [count, ...inputShape]);
      const outputs = await whole.run(0, steps.length, new Map([[0, images]]));
      const logits = outputs.get(steps.length - 1); // [count, classes]
      if (logits === undefined) throw new ThawError("internal", "The network gave no logits.");
      const labels = kernels.uploadLabels(new Int32Array(count)); // the kernel wants some; the losses are not read
      const { probabilities, losses } = kernels.softmaxCrossEntropy(logits, labels);
      try {
        return await kernels.download(probabilities);
      } finally {
        for (const tensor of [logits, labels, probabilities, losses]) kernels.dispose(tensor);
      }
    },
    dispose: () => variables.dispose(),
  };
}

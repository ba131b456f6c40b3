import {
  type DeviceTensor,
  forward,
  type Kernels,
  type NamedTensors,
  networkOf,
  type Plan,
  passOf,
  scalePixels,
  ThawError,
  Variables,
} from "@thaw/core";

/** A trained network that waits for images. */
export interface Classifier {
  /**
   * @param pixels uint8 [height, width, 3]
   * @returns a probability for each class
   */
  classify(pixels: Uint8Array): Promise<Float32Array>;
  dispose(): void;
}

/** Puts trained weights on the device. */
export function openClassifier<T extends DeviceTensor>(
  kernels: Kernels<T>,
  plan: Plan,
  weights: NamedTensors,
): Classifier {
  const phase = plan.phases.at(-1);
  if (phase === undefined) throw new ThawError("internal", "The plan has no phase.");
  const steps = passOf(plan, phase);
  const variables = new Variables(kernels, networkOf(plan).layers, weights);
  return {
    async classify(pixels) {
      const values = scalePixels(pixels, new Float32Array(pixels.length));
      const images = kernels.upload(values, [1, ...plan.dataset.imageShape]);
      const context = { kernels, steps, variables };
      const outputs = forward(context, { from: 0, to: steps.length }, new Map([[0, images]]), { training: false });
      const logits = outputs.take(steps.length - 1); // [1, classes]
      const labels = kernels.uploadLabels(Int32Array.of(0)); // the kernel wants one; its loss is not looked at
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

import { float64Kernels, GRADIENT_TOLERANCE } from "@thaw/core";
import { describe, expect, it } from "vitest";
import { GOLDEN_CASES, goldenErrors, goldenOf, goldenStep } from "../src/architecture-golden.ts";

/**
 * Largest relative error of float64. Constants of layers (the 1/255 of a Rescaling) are float32 in Thaw and float64 in
 * Keras, and the statistics of small batches amplify that.
 */
const ERROR = { MobileNet: 1e-9, ResNet50: 1e-9, MobileNetV3Small: 1e-5, EfficientNetB0: 1e-5 } as const;

describe("one training step on float64 is Keras's", () => {
  // ResNet50 is the largest: in plain TypeScript one depth of it has to do.
  it.each(GOLDEN_CASES.filter(([name, depth]) => name !== "ResNet50" || depth > 0))(
    "%s, %i layers frozen",
    async (name, depth) => {
      const [kernels, expected] = [float64Kernels(), goldenOf(name, depth)];
      const found = await goldenStep(kernels, name, depth, async ({ data }) => data);
      const { loss, logits, gradient, moving } = goldenErrors(found, expected, GRADIENT_TOLERANCE.floor);
      expect(found.trained).toBe(expected.trained);
      for (const error of [loss, logits, gradient.error, moving.error]) expect(error).toBeLessThan(ERROR[name]);
      expect(kernels.memory().tensors).toBe(0);
    },
    600_000,
  );
});

import { GRADIENT_TOLERANCE, LOSS_TOLERANCE } from "@thaw/core";
import { loadEngine, nodeSettings, tensorflowKernels } from "@thaw/node-runner/internals";
import { describe, expect, it } from "vitest";
import { GOLDEN_CASES, goldenErrors, goldenOf, goldenStep, gradientBound } from "../src/architecture-golden.ts";

describe("one training step on libtensorflow is Keras's in float64", () => {
  const { tf, backend, info } = loadEngine(nodeSettings({ threads: 2 }));

  it.each(GOLDEN_CASES)(
    "%s, %i layers frozen",
    async (name, depth) => {
      const kernels = tensorflowKernels(tf, backend, { own: info.ownKernels.ok });
      const before = kernels.memory().tensors;
      const [expected, found] = [goldenOf(name, depth), await goldenStep(kernels, name, depth)];
      const errors = goldenErrors(found, expected, GRADIENT_TOLERANCE.floor);
      expect(found.trained).toBe(expected.trained);
      expect(errors.loss).toBeLessThan(LOSS_TOLERANCE.gate);
      expect(errors.gradient.error).toBeLessThan(gradientBound(expected));
      expect(errors.moving.error).toBeLessThan(GRADIENT_TOLERANCE.gate);
      expect(kernels.memory().tensors).toBe(before);
    },
    600_000,
  );
});

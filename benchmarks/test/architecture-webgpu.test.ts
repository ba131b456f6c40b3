import { GRADIENT_TOLERANCE, LOSS_TOLERANCE } from "@thaw/core";
import { openDawn } from "@thaw/dawn-runner/internals";
import { afterAll, describe, expect, it } from "vitest";
import { GOLDEN_CASES, goldenErrors, goldenOf, goldenStep, gradientBound } from "../src/architecture-golden.ts";

const dawn = await openDawn({ requireHardware: false });
afterAll(() => dawn.close());

describe(`one training step on WebGPU (${dawn.adapter.name}) is Keras's in float64`, () => {
  it.each(GOLDEN_CASES.filter(([, depth]) => depth > 0))(
    "%s, %i layers frozen",
    async (name, depth) => {
      const [expected, found] = [goldenOf(name, depth), await goldenStep(dawn.kernels([]), name, depth)];
      const errors = goldenErrors(found, expected, GRADIENT_TOLERANCE.floor);
      expect(found.trained).toBe(expected.trained);
      expect(errors.loss).toBeLessThan(LOSS_TOLERANCE.gate);
      expect(errors.gradient.error).toBeLessThan(gradientBound(expected));
      expect(errors.moving.error).toBeLessThan(GRADIENT_TOLERANCE.gate);
    },
    600_000,
  );
});

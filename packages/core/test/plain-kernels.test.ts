import { describe, expect, it } from "vitest";
import { float64Kernels } from "../src/kernels/float64-reference.ts";
import { FUSED_KERNELS, type KernelName } from "../src/kernels/kernels.ts";
import { withoutKernels } from "../src/kernels/plain-kernels.ts";

/** Names of the fused kernels that are left. */
function left(...plain: KernelName[]): readonly string[] {
  const kernels = withoutKernels(float64Kernels(), plain);
  return FUSED_KERNELS.filter((name) => kernels[name] !== undefined);
}

describe("withoutKernels", () => {
  it("takes the fused kernels along that would do a plain kernel's work", () => {
    expect(left()).toEqual(FUSED_KERNELS);
    expect(left("movingAverage")).toEqual(FUSED_KERNELS.filter((name) => name !== "movingStatistics"));
    expect(left("depthwiseConv2d")).toEqual(FUSED_KERNELS.filter((name) => !name.startsWith("depthwise")));
    const blocks = /2d(Statistics|Gradients)$/;
    const gone = left("batchNormTrainGradient");
    expect(gone.filter((name) => blocks.test(name) || name === "batchNormTrainReluGradient")).toEqual([]);
  });

  it("takes a fused kernel alone", () => {
    expect(left("conv2dNormalised")).toEqual(FUSED_KERNELS.filter((name) => name !== "conv2dNormalised"));
  });

  it("leaves the given set as it is", () => {
    const kernels = float64Kernels();
    withoutKernels(kernels, ["conv2d"]);
    expect(kernels.conv2d).toBeDefined();
  });
});

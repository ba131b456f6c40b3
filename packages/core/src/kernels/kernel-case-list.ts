import { batchNormCases } from "./batch-norm-cases.ts";
import { convBlockCases } from "./conv-block-cases.ts";
import { convolutionCases } from "./convolution-cases.ts";
import { headCases } from "./head-cases.ts";
import { imageOpCases } from "./image-op-cases.ts";
import type { KernelCase } from "./kernel-cases.ts";
import { FUSED_KERNELS, type FusedKernel } from "./kernels.ts";
import { layerCases } from "./layer-cases.ts";
import { longSumCases } from "./long-sum-cases.ts";

/**
 * All cases of rung L1, each unique by kernel and name.
 * @param fused the fused kernels to include
 */
export function kernelCases(fused: readonly FusedKernel[] = []): KernelCase[] {
  const left = FUSED_KERNELS.filter((name) => !fused.includes(name));
  const all = [
    ...convolutionCases(),
    ...convBlockCases(),
    ...batchNormCases(),
    ...layerCases(),
    ...imageOpCases(),
    ...headCases(),
    ...longSumCases(),
  ];
  return all.filter(({ kernel }) => !left.some((name) => name === kernel));
}

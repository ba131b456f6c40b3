import { batchNormCases } from "./batch-norm-cases.ts";
import { convolutionCases } from "./convolution-cases.ts";
import { fusedCases } from "./fused-cases.ts";
import { headCases } from "./head-cases.ts";
import type { KernelCase } from "./kernel-cases.ts";
import type { FusedKernel } from "./kernels.ts";
import { layerCases } from "./layer-cases.ts";
import { longSumCases } from "./long-sum-cases.ts";

/**
 * All cases of rung L1, each unique by kernel and name.
 * @param fused the fused kernels to include
 */
export function kernelCases(fused: readonly FusedKernel[] = []): KernelCase[] {
  const wanted = fusedCases().filter(({ kernel }) => fused.some((name) => name === kernel));
  return [...convolutionCases(), ...batchNormCases(), ...layerCases(), ...headCases(), ...longSumCases(), ...wanted];
}

import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { Tensor } from "@tensorflow/tfjs-core";
import { type KernelName, type Kernels, type Tfjs, tfjsKernels } from "@thaw/core";

/** Which overrides to leave out, to compare a kernel of ours with its plain form. */
export interface WebgpuKernelOptions {
  /** Names of kernels that stay as {@link tfjsKernels} has them; `all` for every one. */
  readonly plain?: readonly KernelName[] | "all";
}

/** The kernel set on WebGPU. */
export function webgpuKernels(tf: Tfjs, _backend: WebGPUBackend, _options: WebgpuKernelOptions = {}): Kernels<Tensor> {
  return tfjsKernels(tf);
}

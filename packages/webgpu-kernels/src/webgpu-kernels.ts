import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { Tensor } from "@tensorflow/tfjs-core";
import { type KernelName, type Kernels, type Tfjs, tfjsKernels } from "@thaw/core";
import { batchNormKernels } from "./batch-norm.ts";
import { type CommandStream, commandStream } from "./command-stream.ts";
import { depthwiseKernels } from "./depthwise.ts";
import { elementwiseKernels } from "./elementwise.ts";
import { optimizerKernels } from "./optimizer.ts";
import { pointwiseKernels } from "./pointwise.ts";
import { stemKernels } from "./stem.ts";

/** Which overrides to leave out, to compare a kernel of ours with its plain form. */
export interface WebgpuKernelOptions {
  /** Names of kernels that stay as {@link tfjsKernels} has them; `all` for every one. */
  readonly plain?: readonly KernelName[] | "all";
  /** Shares a stream whose counts somebody watches. */
  readonly stream?: CommandStream;
}

/**
 * The kernel set on WebGPU: {@link tfjsKernels}, with WGSL shaders of ours where they are faster.
 * @param tf the tfjs-core module with the `webgpu` backend set
 * @param backend of {@link openWebgpu}
 */
export function webgpuKernels(tf: Tfjs, backend: WebGPUBackend, options: WebgpuKernelOptions = {}): Kernels<Tensor> {
  const plain = tfjsKernels(tf);
  if (options.plain === "all") return plain;
  const stream = options.stream ?? commandStream(tf, backend);
  const overrides: Partial<Kernels<Tensor>> = {
    ...batchNormKernels(stream, plain),
    ...pointwiseKernels(stream, { ...plain, ...stemKernels(stream, plain) }),
    ...depthwiseKernels(stream, plain),
    ...elementwiseKernels(stream, plain),
    ...optimizerKernels(stream, plain),
  };
  for (const name of options.plain ?? []) delete overrides[name];
  return { ...plain, ...overrides };
}

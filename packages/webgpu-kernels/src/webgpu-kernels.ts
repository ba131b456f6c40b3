import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { Tensor } from "@tensorflow/tfjs-core";
import { type KernelName, type Kernels, type Tfjs, tfjsKernels, withoutKernels } from "@thaw/core";
import { batchNormKernels } from "./batch-norm.ts";
import { commandsOf } from "./commands.ts";
import { convolutionKernels } from "./convolution.ts";
import { denseKernels } from "./dense.ts";
import { depthwiseKernels } from "./depthwise.ts";
import { elementwiseKernels } from "./elementwise.ts";
import { imageKernels } from "./image-layers.ts";
import { lossKernels } from "./loss.ts";
import { optimizerKernels } from "./optimizer.ts";
import { sumRows } from "./row-sums.ts";
import { type Team, teamOf } from "./teams.ts";

/** Which overrides to leave out, to compare a kernel of ours with its plain form. */
export interface WebgpuKernelOptions {
  /** Names of kernels that stay as {@link tfjsKernels} has them; `all` for every one. */
  readonly plain?: readonly KernelName[] | "all";
  /** Who sums over rows; without it, what suits the device. */
  readonly team?: Team;
}

/**
 * The kernel set on WebGPU: {@link tfjsKernels}, with compute shaders of ours where they are faster, which is nearly
 * everywhere.
 * @param tf the tfjs-core module with the `webgpu` backend set
 */
export function webgpuKernels(tf: Tfjs, backend: WebGPUBackend, options: WebgpuKernelOptions = {}): Kernels<Tensor> {
  const plain = tfjsKernels(tf);
  if (options.plain === "all") return plain;
  const commands = commandsOf(tf, backend);
  const team = options.team ?? teamOf(backend.device);
  const overrides: Partial<Kernels<Tensor>> = {
    ...batchNormKernels(commands, team),
    ...convolutionKernels(commands, team, plain),
    ...depthwiseKernels(commands, team, plain),
    ...elementwiseKernels(commands, team),
    ...imageKernels(commands),
    ...denseKernels(commands),
    ...lossKernels(commands),
    ...optimizerKernels(commands),
    biasGradient: (dy) => sumRows(commands, team, dy, dy.shape.slice(-1)),
  };
  return { ...plain, ...withoutKernels(overrides, options.plain ?? []) };
}

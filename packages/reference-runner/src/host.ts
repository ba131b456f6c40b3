import { performance } from "node:perf_hooks";
import type { Environment, Float64Tensor, Host, RunOptions } from "@thaw/core";
import { fileHost, platformOf, processorName } from "@thaw/runner-kit";
import { exactKernels, roundedKernels } from "./judging-kernels.ts";
import { type ReferenceSettings, referenceSettings } from "./settings.ts";

const NOTHING = { memoryBytes: 0, diskBytes: 0 } as const;

/** Describes this process. */
export function environmentOf(settings: ReferenceSettings): Environment {
  return {
    runner: "reference",
    engine: `TypeScript ${settings.dtype}`,
    device: { kind: "cpu", name: processorName(), software: false },
    settings: { ...settings },
    versions: { node: process.versions.node },
    platform: platformOf(),
  };
}

/** Makes the host that core's `train()` runs on. */
export function createHost(options: Omit<RunOptions, "signal">, signal: AbortSignal): Host<Float64Tensor> {
  const settings = referenceSettings(options.settings);
  return {
    kernels: settings.dtype === "float64" ? exactKernels() : roundedKernels(),
    environment: environmentOf(settings),
    now: () => performance.now(),
    synchronize: () => new Promise((resolve) => setImmediate(resolve)),
    peakRssBytes: () => process.resourceUsage().maxRSS * 1024,
    ...fileHost(options),
    cache: NOTHING, // what is kept is float32, and this runner is asked for its float64
    signal,
  };
}

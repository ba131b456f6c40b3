import { basename } from "node:path";
import { performance } from "node:perf_hooks";
import type { Environment, RunOptions } from "@thaw/core";
import { type ChildHost, fileHost, plainKernelsOf, platformOf } from "@thaw/runner-kit";
import { type DawnEngine, openDawn } from "./dawn.ts";
import { type DawnSettings, dawnSettings } from "./settings.ts";

/** Describes this process, Dawn and its adapter. */
export function environmentOf(
  { adapter, adapterInfo, driver, tf, version }: DawnEngine,
  settings: DawnSettings,
): Environment {
  return {
    runner: "dawn",
    engine: `Dawn ${version} (npm webgpu)`,
    device: {
      kind: "gpu",
      name: adapter.name,
      software: adapter.software,
      ...(adapter.software ? { note: "no hardware adapter was found" } : {}),
    },
    adapter: adapterInfo,
    settings: { ...settings },
    versions: {
      node: process.versions.node,
      tfjs: tf.version_core,
      webgpu: version,
      driver: driver.manifest === null ? driver.source : `${basename(driver.manifest)} (${driver.source})`,
    },
    platform: platformOf(),
  };
}

/** Makes the host that core's `train()` runs on. */
export async function createHost(options: Omit<RunOptions, "signal">, signal: AbortSignal): Promise<ChildHost> {
  const settings = dawnSettings(options.settings);
  const dawn = await openDawn(settings);
  const deviceTimer = options.profile === undefined ? undefined : dawn.deviceTimer();
  return {
    kernels: dawn.kernels(plainKernelsOf(settings.plainKernels)),
    environment: environmentOf(dawn, settings),
    now: () => performance.now(),
    synchronize: dawn.synchronize,
    dispatches: dawn.dispatches,
    peakRssBytes: () => process.resourceUsage().maxRSS * 1024,
    failure: dawn.failure,
    ...(deviceTimer === undefined ? {} : { deviceTimer }),
    ...fileHost(options),
    signal,
  };
}

import { ThawError, UNIT_ROUNDOFF } from "@thaw/core";
import { adapterInfo, deviceTimer, openWebgpu, webgpuKernels } from "@thaw/webgpu-kernels";
import type { OpenRequest } from "../messages.ts";
import { activate, type PageEngine } from "./page-engine.ts";

/** WebGPU on this browser's adapter, with our own WGSL kernels. */
export async function openWebgpuEngine({ requireHardware, plainKernels }: OpenRequest): Promise<PageEngine> {
  if (navigator.gpu === undefined) {
    throw new ThawError("webgpu-unavailable", "This browser has no WebGPU (navigator.gpu is not there).", {
      hint: "Use Chromium 113 or newer with --enable-unsafe-webgpu.",
    });
  }
  const { tf, backend, adapter, failure, dispatches, synchronize } = await openWebgpu(navigator.gpu, {
    requireHardware,
  });
  await activate("webgpu");
  const timer = deviceTimer(tf, backend);
  return {
    kernels: webgpuKernels(tf, backend, { plain: plainKernels }),
    device: { kind: "gpu", name: adapter.name, software: adapter.software },
    adapter: adapterInfo(adapter),
    threads: 1,
    unitRoundoff: UNIT_ROUNDOFF.wgsl,
    ...(timer === undefined ? {} : { deviceTimer: timer }),
    failure,
    dispatches,
    synchronize,
  };
}

import { FUSED_KERNELS, UNIT_ROUNDOFF } from "@thaw/core";
import { describeKernels } from "@thaw/core/kernel-contract";
import { afterAll, describe, expect, it } from "vitest";
import { openDawn } from "../src/dawn.ts";

const dawn = await openDawn({ requireHardware: false });
afterAll(() => dawn.close());

// Imported here: the module looks for WebGPU's globals, which openDawn() makes.
const { webgpuKernels } = await import("@thaw/webgpu-kernels");

// The way of summing that suits this adapter is judged by the runner's contract (runner.test.ts); this is the other one,
// which another adapter gets.
const team = dawn.adapter.software ? "workgroup" : "thread";
describeKernels(
  `webgpu on Dawn, ${dawn.adapter.name}, sums by ${team}`,
  async () => webgpuKernels(dawn.tf, dawn.backend, { team }),
  { describe, it, expect },
  { unitRoundoff: UNIT_ROUNDOFF.wgsl, fused: FUSED_KERNELS.filter((name) => !/^(conv2d|depthwise)/.test(name)) },
);

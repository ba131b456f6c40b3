import { FUSED_KERNELS, UNIT_ROUNDOFF } from "@thaw/core";
import { describeKernels } from "@thaw/core/kernel-contract";
import { afterAll, describe, expect, it } from "vitest";
import { openDawn } from "../src/dawn.ts";

const dawn = await openDawn({ requireHardware: false });
afterAll(() => dawn.close());

// Imported here: the module looks for WebGPU's globals, which openDawn() makes.
const { webgpuKernels } = await import("@thaw/webgpu-kernels");

// Whichever way of summing suits this adapter, the other one is what another adapter gets.
describe.each(["thread", "workgroup"] as const)("sums by %s", (team) => {
  describeKernels(
    `webgpu on Dawn, ${dawn.adapter.name}`,
    async () => webgpuKernels(dawn.tf, dawn.backend, { team }),
    { describe, it, expect },
    { unitRoundoff: UNIT_ROUNDOFF.wgsl, fused: FUSED_KERNELS },
  );
});

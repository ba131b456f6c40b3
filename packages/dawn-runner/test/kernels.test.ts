import { FUSED_KERNELS, UNIT_ROUNDOFF } from "@thaw/core";
import { describeKernels } from "@thaw/core/kernel-contract";
import { afterAll, describe, expect, it } from "vitest";
import { openDawn } from "../src/dawn.ts";

const dawn = await openDawn({ requireHardware: false });
const kernels = dawn.kernels([]);
afterAll(() => dawn.close());

describeKernels(
  `webgpu on Dawn, ${dawn.adapter.name}`,
  async () => kernels,
  { describe, it, expect },
  { unitRoundoff: UNIT_ROUNDOFF.wgsl, fused: FUSED_KERNELS.filter((name) => kernels[name] !== undefined) },
);

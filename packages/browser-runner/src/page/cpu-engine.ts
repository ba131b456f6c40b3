import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { tfjsKernels, UNIT_ROUNDOFF } from "@thaw/core";
import { activate, type PageEngine } from "./page-engine.ts";

/** tfjs's plain JavaScript: slow, and the same everywhere. */
export async function openCpuEngine(): Promise<PageEngine> {
  await activate("cpu");
  return {
    kernels: tfjsKernels(tf),
    device: { kind: "cpu", name: null, software: false },
    adapter: null,
    threads: 1,
    unitRoundoff: UNIT_ROUNDOFF.float32,
    synchronize: async () => undefined,
  };
}

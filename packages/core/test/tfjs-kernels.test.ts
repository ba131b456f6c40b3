import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { describeKernels } from "../src/kernels/kernel-contract.ts";
import { tfjsKernels } from "../src/kernels/tfjs-kernels.ts";

async function onCpu() {
  await tf.setBackend("cpu");
  return tfjsKernels(tf);
}

describeKernels("tfjs on cpu", onCpu, { describe, expect, it });

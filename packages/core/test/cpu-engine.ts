import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import type { Kernels } from "../src/kernels/kernels.ts";
import { tfjsKernels } from "../src/kernels/tfjs-kernels.ts";

/** The kernel set on tfjs's own plain JavaScript backend. */
export async function cpuKernels(): Promise<Kernels<tf.Tensor>> {
  tf.env().set("IS_TEST", true); // or it advises tfjs-node on every first use
  await tf.setBackend("cpu");
  return tfjsKernels(tf);
}

import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { kernelCases } from "../src/kernels/kernel-contract.ts";
import type { Kernels } from "../src/kernels/kernels.ts";
import { composedConvolutions } from "../src/kernels/tfjs-composed-convolution.ts";
import { missingTfjsKernels, REQUIRED_TFJS_KERNELS } from "../src/kernels/tfjs-preflight.ts";
import { cpuKernels } from "./cpu-engine.ts";

/** Names of the tfjs kernels that a kernel set asks for over all cases of rung L1. */
async function askedFor(kernels: Kernels<tf.Tensor>): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for (const testCase of kernelCases()) {
    const inputs = testCase.inputs.map((entry) =>
      "labels" in entry ? kernels.uploadLabels(entry.labels) : kernels.upload(entry.values, entry.shape),
    );
    const profile = await tf.profile(() => {
      const results = testCase.run(kernels, inputs);
      return Object.values(results)[0] ?? tf.scalar(0);
    });
    for (const name of profile.kernelNames) names.add(name);
  }
  return names;
}

describe("the preflight", () => {
  it("lists exactly the kernels that a backend without convolution gradients is asked for", async () => {
    const kernels = await cpuKernels();
    const asked = new Set(await askedFor({ ...kernels, ...composedConvolutions(tf) }));
    expect([...asked].sort()).toEqual([...REQUIRED_TFJS_KERNELS].sort());
  }, 120_000);

  it("names what a backend lacks", async () => {
    await cpuKernels();
    expect(missingTfjsKernels(tf)).toEqual([]);
    const kernel = tf.getKernel("SquaredDifference", "cpu");
    tf.unregisterKernel("SquaredDifference", "cpu");
    try {
      expect(missingTfjsKernels(tf)).toEqual(["SquaredDifference"]);
    } finally {
      tf.registerKernel(kernel);
    }
  });
});

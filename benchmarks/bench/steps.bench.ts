import type { Tensor } from "@tensorflow/tfjs-core";
import { FUSED_KERNELS, type Kernels } from "@thaw/core";
import { loadEngine, nodeSettings, tensorflowKernels } from "@thaw/node-runner/internals";
import { bench, describe } from "vitest";
import { thawSteps } from "../src/step-makers.ts";

// Single steps of the node runner's kernel sets, for whoever works at a kernel: `npm run step-bench`, or with `-t "depth 0"`.
// Not interleaved: a figure that is to be quoted comes from `thaw bench`.

const { tf, backend } = loadEngine(nodeSettings({}));
const SETS: Readonly<Record<string, () => Kernels<Tensor>>> = {
  "own kernels": () => tensorflowKernels(tf, backend, { own: true }),
  "own kernels, layer by layer": () =>
    tensorflowKernels(tf, backend, {
      own: true,
      plain: FUSED_KERNELS.filter((name) => /2d(Statistics|Gradients)$/.test(name)),
    }),
  "TensorFlow's kernels": () => tensorflowKernels(tf, backend),
};
const SHAPE = { alpha: 1, imageSize: 160, batch: 32, steps: 1 } as const;

describe.each([0, 50, 100, 154])("depth %i, batch 32, 160 px, nothing kept", (depth) => {
  for (const [name, kernels] of Object.entries(SETS)) {
    const steps = thawSteps(kernels(), SHAPE, depth);
    bench(name, steps, { warmupIterations: 2, warmupTime: 0, iterations: 10, time: 0 });
  }
});

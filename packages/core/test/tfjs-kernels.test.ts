import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { describeKernels } from "../src/kernels/kernel-contract.ts";
import type { Kernels } from "../src/kernels/kernels.ts";
import { composedConvolutions } from "../src/kernels/tfjs-composed-convolution.ts";
import { nativeWindow } from "../src/kernels/tfjs-convolution.ts";
import { tfjsKernels } from "../src/kernels/tfjs-kernels.ts";
import type { Padding } from "../src/model/layer.ts";

const runner = { describe, expect, it };

async function onCpu(): Promise<Kernels<tf.Tensor>> {
  await tf.setBackend("cpu");
  return tfjsKernels(tf);
}

// Real sizes are for the browser's cpu, wasm and other engines: their runners' contract has them.
describeKernels("tfjs on cpu", onCpu, runner, { smallOnly: true });

// What wasm gets, which lacks three gradient kernels.
const composed = composedConvolutions(tf);
describeKernels("tfjs on cpu, composed gradients", async () => ({ ...(await onCpu()), ...composed }), runner, {
  only: (kernel) => Object.hasOwn(composed, kernel),
  smallOnly: true,
});

const SAME: Padding = [
  [1, 1],
  [1, 1],
];
const VALID: Padding = [
  [0, 0],
  [0, 0],
];

describe("nativeWindow", () => {
  const kernelShape = [3, 3, 8, 1];
  const window = (padding: Padding, strides = 1): { strides: number; padding: Padding } => ({ strides, padding });

  it("says `valid` for no padding", () => {
    expect(nativeWindow([1, 8, 8, 8], kernelShape, window(VALID, 2))).toEqual({ pad: "valid", explicit: undefined });
  });

  it("says `same` where the padding is TensorFlow's for that size", () => {
    const below: Padding = [
      [0, 1],
      [0, 1],
    ];
    expect(nativeWindow([1, 8, 8, 8], kernelShape, window(below, 2)).pad).toBe("same");
    expect(nativeWindow([1, 7, 7, 8], kernelShape, window(SAME, 2)).pad).toBe("same");
    expect(nativeWindow([1, 8, 8, 8], kernelShape, window(SAME)).pad).toBe("same");
  });

  it("hands any other padding back to be written out", () => {
    expect(nativeWindow([1, 8, 8, 8], kernelShape, window(SAME, 2))).toEqual({ pad: "valid", explicit: SAME });
    expect(nativeWindow([1, 7, 8, 8], kernelShape, window(SAME, 2))).toEqual({ pad: "valid", explicit: SAME });
  });
});

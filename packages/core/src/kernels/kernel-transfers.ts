import { scalePixels } from "../data/preprocessing.ts";
import { kernelOf } from "./kernel-cases.ts";
import type { DeviceTensor, KernelName, Kernels, OptimizerUpdate } from "./kernels.ts";

/** One thing that a kernel set must do with data, beside computing. */
export interface TransferCheck {
  readonly kernel: KernelName;
  readonly name: string;
  /** Of a kernel that a set may lack. */
  readonly isOptional?: true;
  /** Does it: what came out, and what should have. */
  run<T extends DeviceTensor>(kernels: Kernels<T>): Promise<{ readonly found: unknown; readonly expected: unknown }>;
}

const SLOT_COUNTS: readonly (readonly [OptimizerUpdate, number])[] = [
  [{ type: "sgd", stepSize: 1, momentum: 0, nesterov: false }, 0],
  [{ type: "sgd", stepSize: 1, momentum: 0.9, nesterov: false }, 1],
  [{ type: "rmsprop", stepSize: 1, rho: 0.9, momentum: 0.5, epsilon: 1, centered: true }, 3],
  [{ type: "adam", stepSize: 1, beta1: 0.9, beta2: 0.999, epsilon: 1 }, 2],
];

/**
 * The checks for a kernel set.
 * @param has whether it has a kernel that a set may lack
 */
export function transferChecks(has: (kernel: KernelName) => boolean): readonly TransferCheck[] {
  return TRANSFER_CHECKS.filter(({ kernel, isOptional }) => isOptional !== true || has(kernel));
}

/** Moving data, keeping books, making slots. */
const TRANSFER_CHECKS: readonly TransferCheck[] = [
  {
    kernel: "upload",
    name: "copies on upload and on download",
    async run(kernels) {
      const data = Float32Array.of(1, 2, 3, 4, 5, 6);
      const tensor = kernels.upload(data, [2, 3]);
      data.fill(-1);
      const first = await kernels.download(tensor);
      first.fill(-2);
      const found = [[...tensor.shape], [...(await kernels.download(tensor))]];
      kernels.dispose(tensor);
      return {
        found,
        expected: [
          [2, 3],
          [1, 2, 3, 4, 5, 6],
        ],
      };
    },
  },
  {
    kernel: "uploadPixels",
    name: "scales pixels to -1…1",
    isOptional: true,
    async run(kernels) {
      const pixels = Uint8Array.from({ length: 2 * 256 + 3 }, (_, index) => (index * 7) % 256);
      const expected = scalePixels(pixels, new Float32Array(pixels.length));
      const tensor = kernelOf(kernels, "uploadPixels")(pixels, [pixels.length]);
      pixels.fill(0);
      const found = [[...tensor.shape], [...(await kernels.download(tensor))]];
      kernels.dispose(tensor);
      return { found, expected: [[pixels.length], [...expected]] };
    },
  },
  {
    kernel: "lend",
    name: "makes a tensor of what the array holds",
    isOptional: true,
    async run(kernels) {
      const data = Float32Array.of(1, 2, 3, 4, 5, 6);
      const tensor = kernelOf(kernels, "lend")(data, [2, 3]);
      const sum = kernels.add(tensor, tensor);
      const found = [[...sum.shape], [...(await kernels.download(sum))]];
      for (const used of [tensor, sum]) kernels.dispose(used);
      return {
        found,
        expected: [
          [2, 3],
          [2, 4, 6, 8, 10, 12],
        ],
      };
    },
  },
  {
    kernel: "download",
    name: "keeps the bits of what it moves",
    async run(kernels) {
      const data = Float32Array.of(0, -0, 1.1754943508222875e-38, 3.4028234663852886e38, -1 / 3, 16_777_217);
      const tensor = kernels.upload(data, [6]);
      const bits = new Uint32Array((await kernels.download(tensor)).buffer);
      kernels.dispose(tensor);
      return { found: [...bits], expected: [...new Uint32Array(data.buffer)] };
    },
  },
  {
    kernel: "memory",
    name: "counts what is alive",
    async run(kernels) {
      const before = kernels.memory();
      const tensors = [kernels.upload(new Float32Array(10), [10]), kernels.uploadLabels(Int32Array.of(1, 2))];
      const more = kernels.memory().tensors - before.tensors;
      for (const tensor of tensors) kernels.dispose(tensor);
      return { found: [more, kernels.memory()], expected: [2, before] };
    },
  },
  {
    kernel: "optimizerSlots",
    name: "makes as many zeroed slots as an optimizer needs",
    async run(kernels) {
      const found: number[][][] = [];
      for (const [update] of SLOT_COUNTS) {
        const slots = kernels.optimizerSlots(update, 3);
        found.push(await Promise.all(slots.map(async (slot) => [...(await kernels.download(slot))])));
        for (const slot of slots) kernels.dispose(slot);
      }
      return { found, expected: SLOT_COUNTS.map(([, count]) => Array.from({ length: count }, () => [0, 0, 0])) };
    },
  },
];

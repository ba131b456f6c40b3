import { UNIT_ROUNDOFF } from "../parity/tolerances.ts";
import { batchNormCases } from "./batch-norm-cases.ts";
import { convolutionCases } from "./convolution-cases.ts";
import { fusedCases } from "./fused-cases.ts";
import { headCases } from "./head-cases.ts";
import type { KernelCase } from "./kernel-cases.ts";
import { checkKernelCase, type OpComparison } from "./kernel-comparison.ts";
import type { DeviceTensor, FusedKernel, KernelName, Kernels, OptimizerUpdate } from "./kernels.ts";
import { layerCases } from "./layer-cases.ts";

/** The part of vitest (or of jest, or of mocha with chai's `expect` adapted) that the contract needs. */
export interface TestRunner {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void>): void;
  expect(actual: unknown): { toEqual(expected: unknown): void };
}

/** A case that a backend is known to fail. The test fails once it passes, so that the row goes. */
export interface KernelGap {
  readonly kernel: KernelName;
  /** Start of the case's name; absent for all cases of the kernel. */
  readonly startsWith?: string;
  readonly reason: string;
}

/** How the contract judges a backend. */
export interface KernelContractOptions {
  /** Of {@link UNIT_ROUNDOFF}; IEEE float32 unless it is said otherwise. */
  readonly unitRoundoff?: number;
  readonly gaps?: readonly KernelGap[];
  /** Fused kernels that the set claims to have; each must be there and pass. */
  readonly fused?: readonly FusedKernel[];
  /** Leave out kernels that are tested elsewhere. */
  readonly only?: (kernel: KernelName) => boolean;
  /** Is told how close each case came to its bound. */
  readonly report?: (testCase: KernelCase, comparison: OpComparison) => void;
}

/**
 * All cases of rung L1, each unique by kernel and name.
 * @param fused the fused kernels to include
 */
export function kernelCases(fused: readonly FusedKernel[] = []): KernelCase[] {
  const wanted = fusedCases().filter(({ kernel }) => fused.some((name) => name === kernel));
  return [...convolutionCases(), ...batchNormCases(), ...layerCases(), ...headCases(), ...wanted];
}

/**
 * The suite that every kernel set must pass: rung L1 against float64, inputs untouched, no tensor left behind.
 *
 * ```ts
 * import { describe, expect, it } from "vitest";
 * describeKernels("my backend", async () => myKernels(), { describe, expect, it });
 * ```
 */
export function describeKernels<T extends DeviceTensor>(
  name: string,
  makeKernels: () => Promise<Kernels<T>>,
  runner: TestRunner,
  options: KernelContractOptions = {},
): void {
  const { describe, it, expect } = runner;
  const { unitRoundoff = UNIT_ROUNDOFF.float32, gaps = [], fused = [], only = () => true, report } = options;
  const made = lazily(makeKernels);

  describe(`${name}: kernels (rung L1)`, () => {
    const cases = kernelCases(fused).filter(({ kernel }) => only(kernel));
    for (const kernel of new Set(cases.map((testCase) => testCase.kernel))) {
      describe(kernel, () => {
        for (const testCase of cases.filter((candidate) => candidate.kernel === kernel)) {
          const gap = gaps.find((row) => row.kernel === kernel && testCase.name.startsWith(row.startsWith ?? ""));
          it(gap === undefined ? testCase.name : `${testCase.name} (known gap: ${gap.reason})`, async () => {
            const comparison = await checkKernelCase(await made(), testCase, unitRoundoff);
            report?.(testCase, comparison);
            if (gap === undefined) expect(comparison.problems).toEqual([]);
            else expect({ stillFails: comparison.problems.length > 0 }).toEqual({ stillFails: true });
          });
        }
      });
    }
    describe("moving data", () => describeTransfers(made, runner));
  });
}

function describeTransfers<T extends DeviceTensor>(made: () => Promise<Kernels<T>>, { it, expect }: TestRunner): void {
  it("copies on upload and on download", async () => {
    const kernels = await made();
    const data = Float32Array.of(1, 2, 3, 4, 5, 6);
    const tensor = kernels.upload(data, [2, 3]);
    data.fill(-1);
    const first = await kernels.download(tensor);
    first.fill(-2);
    expect([...tensor.shape]).toEqual([2, 3]);
    expect([...(await kernels.download(tensor))]).toEqual([1, 2, 3, 4, 5, 6]);
    kernels.dispose(tensor);
  });

  it("keeps the bits of what it moves", async () => {
    const kernels = await made();
    const data = Float32Array.of(0, -0, 1.1754943508222875e-38, 3.4028234663852886e38, -1 / 3, 16_777_217);
    const tensor = kernels.upload(data, [6]);
    const bits = new Uint32Array((await kernels.download(tensor)).buffer);
    expect([...bits]).toEqual([...new Uint32Array(data.buffer)]);
    kernels.dispose(tensor);
  });

  it("counts what is alive", async () => {
    const kernels = await made();
    const before = kernels.memory();
    const tensors = [kernels.upload(new Float32Array(10), [10]), kernels.uploadLabels(Int32Array.of(1, 2))];
    expect(kernels.memory().tensors - before.tensors).toEqual(2);
    for (const tensor of tensors) kernels.dispose(tensor);
    expect(kernels.memory()).toEqual(before);
  });

  it("makes as many zeroed slots as an optimizer needs", async () => {
    const kernels = await made();
    const updates: readonly (readonly [OptimizerUpdate, number])[] = [
      [{ type: "sgd", stepSize: 1, momentum: 0, nesterov: false }, 0],
      [{ type: "sgd", stepSize: 1, momentum: 0.9, nesterov: false }, 1],
      [{ type: "rmsprop", stepSize: 1, rho: 0.9, momentum: 0.5, epsilon: 1, centered: true }, 3],
      [{ type: "adam", stepSize: 1, beta1: 0.9, beta2: 0.999, epsilon: 1 }, 2],
    ];
    for (const [update, count] of updates) {
      const slots = kernels.optimizerSlots(update, 3);
      const values = await Promise.all(slots.map(async (slot) => [...(await kernels.download(slot))]));
      expect(values).toEqual(Array.from({ length: count }, () => [0, 0, 0]));
      for (const slot of slots) kernels.dispose(slot);
    }
  });
}

function lazily<R>(make: () => Promise<R>): () => Promise<R> {
  let made: Promise<R> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

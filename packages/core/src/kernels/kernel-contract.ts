import { UNIT_ROUNDOFF } from "../parity/tolerances.ts";
import { kernelCases } from "./kernel-case-list.ts";
import type { KernelCase } from "./kernel-cases.ts";
import { checkKernelCase, type OpComparison } from "./kernel-comparison.ts";
import { transferChecks } from "./kernel-transfers.ts";
import type { DeviceTensor, FusedKernel, KernelName, Kernels } from "./kernels.ts";

export { kernelCases } from "./kernel-case-list.ts";
export { checkKernelCase } from "./kernel-comparison.ts";

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
  /** Optional ways of moving data that the set claims to have: `uploadPixels`, `lend`. */
  readonly optional?: readonly KernelName[];
  /** Leave out cases of real size. */
  readonly smallOnly?: boolean;
  /** Leave out kernels that are tested elsewhere. */
  readonly only?: (kernel: KernelName) => boolean;
  /** Is told how close each case came to its bound. */
  readonly report?: (testCase: KernelCase, comparison: OpComparison) => void;
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
  const {
    unitRoundoff = UNIT_ROUNDOFF.float32,
    gaps = [],
    fused = [],
    optional = [],
    only = () => true,
    smallOnly = false,
    report,
  } = options;
  const made = lazily(makeKernels);

  describe(`${name}: kernels (rung L1)`, () => {
    const cases = kernelCases(fused).filter(({ kernel, large }) => only(kernel) && !(smallOnly && large === true));
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
    describe("moving data", () => {
      for (const check of transferChecks((kernel) => optional.includes(kernel))) {
        it(check.name, async () => {
          const { found, expected } = await check.run(await made());
          expect(found).toEqual(expected);
        });
      }
    });
  });
}

function lazily<R>(make: () => Promise<R>): () => Promise<R> {
  let made: Promise<R> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

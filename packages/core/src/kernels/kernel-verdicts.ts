import { FIRST_CASE, judgeCases, type OpCase, type OpStart, type OpVerdict } from "../runner/ops.ts";
import { kernelCases } from "./kernel-case-list.ts";
import { checkKernelCase } from "./kernel-comparison.ts";
import { type TransferCheck, transferChecks } from "./kernel-transfers.ts";
import { type DeviceTensor, FUSED_KERNELS, type FusedKernel, type Kernels } from "./kernels.ts";

/** How to judge a kernel set. */
export interface KernelJudgeOptions {
  /** Of {@link UNIT_ROUNDOFF}. */
  readonly unitRoundoff: number;
  /** Fused kernels to judge; without, those that the set has. */
  readonly fused?: readonly FusedKernel[];
  readonly start?: OpStart;
}

/** The same twice: numbers, and arrays and plain objects of them. */
function sameData(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

async function checkTransfer<T extends DeviceTensor>(
  kernels: Kernels<T>,
  check: TransferCheck,
): Promise<Pick<OpVerdict, "worst" | "problems">> {
  const { found, expected } = await check.run(kernels);
  if (sameData(found, expected)) return { worst: 0, problems: [] };
  const problem = `it gives ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`;
  return { worst: Number.POSITIVE_INFINITY, problems: [problem] };
}

/** Judges a kernel set by rung L1, case by case: the suite `kernels` of a runner. */
export function judgeKernels<T extends DeviceTensor>(
  kernels: Kernels<T>,
  { unitRoundoff, fused, start = FIRST_CASE }: KernelJudgeOptions,
): AsyncGenerator<OpVerdict> {
  type Judge = () => Promise<Pick<OpVerdict, "worst" | "problems">>;
  const present = fused ?? FUSED_KERNELS.filter((name) => kernels[name] !== undefined);
  const cases: (OpCase & { readonly judge: Judge })[] = [
    ...transferChecks((name) => kernels[name] !== undefined).map((check) => ({
      op: check.kernel,
      name: check.name,
      judge: () => checkTransfer(kernels, check),
    })),
    ...kernelCases(present).map((testCase) => ({
      op: testCase.kernel,
      name: testCase.name,
      judge: async () => {
        const { worst, problems } = await checkKernelCase(kernels, testCase, unitRoundoff);
        return { worst: problems.length > 0 ? Math.max(worst, 1) : worst, problems };
      },
    })),
  ];
  return judgeCases(cases, ({ judge }) => judge(), start);
}

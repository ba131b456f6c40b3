import type { Tensor } from "@tensorflow/tfjs-core";
import { FUSED_KERNELS, type Kernels } from "@thaw/core";
import { describeKernels } from "@thaw/core/kernel-contract";
import type { KernelVerdict } from "../messages.ts";

interface CollectedTest {
  readonly name: string;
  readonly body: () => Promise<void>;
}

/** Collects the suite's tests instead of handing them to a test runner. */
function collectTests(kernels: Kernels<Tensor>, unitRoundoff: number): readonly CollectedTest[] {
  const tests: CollectedTest[] = [];
  const path: string[] = [];
  const runner = {
    describe(name: string, body: () => void) {
      path.push(name);
      body();
      path.pop();
    },
    it(name: string, body: () => Promise<void>) {
      tests.push({ name: [...path.slice(1), name].join(" > "), body });
    },
    expect: (actual: unknown) => ({
      toEqual(expected: unknown) {
        const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
        if (found !== wanted) throw new Error(`${found} instead of ${wanted}`);
      },
    }),
  };
  const fused = FUSED_KERNELS.filter((name) => kernels[name] !== undefined);
  describeKernels("page", async () => kernels, runner, { unitRoundoff, fused });
  return tests;
}

/** Runs rung L1 on a kernel set: a verdict for each case. */
export async function checkKernels(kernels: Kernels<Tensor>, unitRoundoff: number): Promise<KernelVerdict[]> {
  const verdicts: KernelVerdict[] = [];
  for (const { name, body } of collectTests(kernels, unitRoundoff)) {
    const problem = await body().then(
      () => null,
      (error: unknown) => String(error),
    );
    verdicts.push({ name, problem });
  }
  return verdicts;
}

import { checkKernelCase, kernelCases } from "@thaw/core/kernel-contract";
import { RUNGS, type Rung, type RungResult } from "@thaw/core/parity";
import { DATA_FAULTS } from "./data-faults.ts";
import type { Healthy, KernelFault, RunFault } from "./fault.ts";
import { KERNEL_FAULTS } from "./kernel-faults.ts";
import { LOOP_FAULTS } from "./loop-faults.ts";

export { KERNEL_FAULTS };

/** Faults that need a whole run to show. */
export const RUN_FAULTS: readonly RunFault[] = [...DATA_FAULTS, ...LOOP_FAULTS];

/** Cases of the faulty operation that L1 refuses, and how many it has. */
export async function judgeKernelFault(
  fault: KernelFault,
  healthy: Healthy,
): Promise<{ broken: number; cases: number }> {
  const kernels = fault.plant(healthy);
  const cases = kernelCases().filter(({ kernel }) => kernel === fault.kernel);
  let broken = 0;
  for (const testCase of cases) {
    const { problems } = await checkKernelCase(kernels, testCase);
    if (problems.length > 0) broken += 1;
  }
  return { broken, cases: cases.length };
}

/** The lowest rung that is broken, and by what. */
export function lowestBroken(results: readonly RungResult[]): { readonly rung: Rung | null; readonly by: string } {
  const [first] = results
    .filter(({ status }) => status === "fail")
    .sort((a, b) => RUNGS.indexOf(a.rung) - RUNGS.indexOf(b.rung));
  if (first === undefined) return { rung: null, by: "" };
  const [failure] = first.failures;
  if (failure === undefined) return { rung: first.rung, by: first.note ?? "" };
  const { step, layer, tensor } = failure.at;
  const place = [step === undefined ? undefined : `step ${step}`, layer ?? tensor].filter((part) => part !== undefined);
  const times = failure.bound === 0 ? "" : `, ${(failure.value / failure.bound).toPrecision(2)} times its bound`;
  return { rung: first.rung, by: `${failure.what} (${place.join(", ")})${times}` };
}

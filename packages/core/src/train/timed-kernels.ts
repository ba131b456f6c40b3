import type { DeviceTensor, KernelName, Kernels } from "../kernels/kernels.ts";

/** Runs a kernel and notes its time. */
export type TimeKernel = <R>(kernel: KernelName, work: () => R) => R;

/** Bookkeeping: it has no time worth noting, and would ask for itself. */
const UNTIMED: ReadonlySet<string> = new Set<KernelName>(["dispose", "memory"]);

/** The same kernel set, each call handed to `time`. Kernels that the set lacks stay absent. */
export function timedKernels<T extends DeviceTensor>(kernels: Kernels<T>, time: TimeKernel): Kernels<T> {
  const entries = Object.entries(kernels).map(([name, kernel]: [string, unknown]) => {
    if (typeof kernel !== "function" || UNTIMED.has(name)) return [name, kernel];
    const timed = (...inputs: unknown[]): unknown =>
      time(name as KernelName, () => Reflect.apply(kernel, kernels, inputs) as unknown);
    return [name, timed];
  });
  return Object.fromEntries(entries) as Kernels<T>;
}

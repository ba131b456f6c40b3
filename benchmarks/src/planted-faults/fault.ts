import type * as tfjs from "@tensorflow/tfjs-core";
import type { Tensor } from "@tensorflow/tfjs-core";
import type { ComputingKernel, Kernels, NamedTensors, Plan } from "@thaw/core";
import type { Rung } from "@thaw/core/parity";

/** A kernel set on libtensorflow, and tfjs to plant faults with. */
export interface Healthy {
  readonly kernels: Kernels<Tensor>;
  readonly tf: typeof tfjs;
}

/** A fault in one operation: L1 has to see it, by that operation's own cases. */
export interface KernelFault {
  readonly name: string;
  readonly rung: "L1";
  readonly kernel: ComputingKernel;
  plant(healthy: Healthy): Kernels<Tensor>;
}

/** What a run works with; a fault changes some of it. */
export interface RunParts extends Healthy {
  readonly plan: Plan;
  /** The weights that the run starts from, by Keras's names. */
  readonly weights: NamedTensors;
  /** Keeps other weights than the plan's; returns the plan that starts from them. */
  withWeights(weights: NamedTensors): Promise<Plan>;
  /** Keeps other pixels than the plan's; returns the plan that trains on them. */
  withPixels(change: (pixels: Uint8Array, side: number) => Uint8Array): Promise<Plan>;
}

/** A fault in how a run is put together: its data, its loop, its optimizer. Every operation alone is right. */
export interface RunFault {
  readonly name: string;
  readonly rung: Exclude<Rung, "L1" | "L5">;
  plant(parts: RunParts): Promise<{ readonly plan?: Plan; readonly kernels?: Kernels<Tensor> }>;
}

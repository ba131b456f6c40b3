import { ThawError } from "../error.ts";
import type { DeviceTensor } from "../kernels/kernels.ts";
import { writeSafetensors } from "../model/safetensors.ts";
import type { PassStep } from "../plan/pass.ts";
import { sha256 } from "../spec/hash.ts";
import type { Variables } from "./variables.ts";

/** Names of the weights that a phase must not move: frozen ones, and moving statistics of BN in inference mode. */
export function unmovedNames(steps: readonly PassStep[]): ReadonlySet<string> {
  const names = steps.flatMap(({ layer, trains, batchNormMode }) =>
    layer.weights
      .filter((weight) => (weight.trainable ? !trains : batchNormMode !== "batch-stats"))
      .map((weight) => `${layer.name}/${weight.name}`),
  );
  return new Set(names);
}

/** SHA-256 over chosen weights. */
export async function digestWeights<T extends DeviceTensor>(
  variables: Variables<T>,
  names?: ReadonlySet<string>,
): Promise<string> {
  return await sha256(writeSafetensors(await variables.download((name) => names?.has(name) ?? true)));
}

/** @throws ThawError `frozen-moved` unless the hashes are equal */
export function checkUnmoved(phase: string, before: string, after: string): void {
  if (before === after) return;
  throw new ThawError("frozen-moved", `Frozen weights moved in phase "${phase}": SHA-256 ${before} became ${after}.`, {
    hint: "This is a fault of the runner's kernels or of the executor; please report it.",
  });
}

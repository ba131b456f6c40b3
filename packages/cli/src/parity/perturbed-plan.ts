import { openStore } from "@thaw/assets";
import { type HostTensor, networkOf, type Plan, startingWeights, writeSafetensors } from "@thaw/core";
import { perturbWeights } from "@thaw/core/parity";

/**
 * The same plan, started from weights that are one ULP away: what two such runs differ by is a backend's self-noise.
 * @param storeDir where the plan's blobs are, and the new ones go
 * @param seed which of the possible neighbours
 */
export async function perturbedPlan(plan: Plan, storeDir: string, seed = 1): Promise<Plan> {
  const store = openStore(storeDir);
  const weights = perturbWeights(await startingWeights(plan, { readBlob: (ref) => store.read(ref) }), seed);
  const headLayers = new Set(networkOf(plan).head.map(({ name }) => name));
  const isHead = (tensor: string): boolean => headLayers.has(tensor.slice(0, tensor.lastIndexOf("/")));
  const put = async (kept: (name: string) => boolean): Promise<Plan["weights"]> => {
    const part = new Map<string, HostTensor>([...weights].filter(([name]) => kept(name)));
    return { blob: await store.put(writeSafetensors(part)), source: "perturbed by 1 ULP" };
  };
  return {
    ...plan,
    planHash: `${plan.planHash}-perturbed-${seed}`,
    weights: await put((name) => !isHead(name)),
    headWeights: await put(isHead),
  };
}

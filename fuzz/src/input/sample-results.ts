import { buildNetwork, type PhaseSummary, type Result, resolveFreeze } from "@thaw/core";
import { repositoryJson } from "./corpus.ts";

type Trimmed = Omit<Result, "phases"> & { readonly phases: readonly Omit<PhaseSummary, "layers">[] };

/** Real results over photos of shoes, whose layers were trimmed away: they are made again as core resolves them. */
export function sampleResults(): readonly Result[] {
  const trimmed = repositoryJson("packages/report/test/fixtures/results.json") as readonly Trimmed[];
  return trimmed.map((result) => {
    const network = buildNetwork(result.spec.model, result.data.classes.length);
    const phases = result.phases.map((phase) => ({
      ...phase,
      layers: resolveFreeze(phase.freeze, network.base.layers, network.head, result.spec),
    }));
    return { ...result, phases };
  });
}

import type { Runner } from "@thaw/core";
import { findRunner } from "../src/registry.ts";

/** The runner `node` with every label off by one, as a runner that reads a file wrongly would have it. */
export function createRunner(): Runner {
  const node = findRunner("node");
  return {
    name: "wrong-labels",
    traces: true,
    probe: async (settings) => await (await node).probe(settings),
    async *run(plan, options) {
      const labels = plan.dataset.labels.map((label) => (label + 1) % plan.dataset.classes.length);
      yield* (await node).run({ ...plan, dataset: { ...plan.dataset, labels } }, options);
    },
  };
}

import { type FreezePolicy, type Result, ThawError } from "@thaw/core";

/**
 * Freeze policy of the row with the best validation accuracy; the earlier of equals.
 * @param results in the order of the sweep
 * @throws ThawError `sweep-incomplete` where there is none
 */
export function bestFreeze(group: string, results: readonly Result[]): FreezePolicy {
  const accuracy = (result: Result): number => result.final.validation?.accuracy ?? result.final.train.accuracy;
  const [best] = [...results].sort((a, b) => accuracy(b) - accuracy(a));
  if (best === undefined) {
    throw new ThawError("sweep-incomplete", `Group "${group}" has no result to take the best freeze policy from.`, {
      hint: "Mend the cells that failed and run the sweep again: finished cells are kept.",
    });
  }
  return best.spec.freeze;
}

/**
 * The same of a group that is not run here, from results that are there: all of them, or two machines could choose
 * differently.
 * @param results of the group's cells, in the order of the sweep; null where there is none
 * @param folder where they were looked for
 * @throws ThawError `sweep-incomplete`
 */
export function bestFreezeOfAll(group: string, results: readonly (Result | null)[], folder: string): FreezePolicy {
  const there = results.filter((result) => result !== null);
  if (there.length === results.length) return bestFreeze(group, there);
  const missing = results.length - there.length;
  throw new ThawError(
    "sweep-incomplete",
    `Group "${group}" decides the freeze policy of another, and ${missing} of its ${results.length} results are not in ${folder}.`,
    {
      hint: `Run that group first: --group ${group}, on all shards. Then join them with thaw merge, and run the other group with --group and --best-from MERGED.`,
    },
  );
}

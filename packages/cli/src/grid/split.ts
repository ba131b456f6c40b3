import type { PhasePlan } from "@thaw/core";

/** What the split looks at. */
export interface SplitCell {
  readonly runner: string;
  /** Multiply-accumulates of the whole cell, as planned; at least 0. */
  readonly cost: number;
}

/** Images of the parts that every epoch goes over. */
interface ImageCounts {
  readonly train: number;
  readonly validation: number;
}

/**
 * What a cell costs: multiply-accumulates of all epochs, with frozen layers counted once, as they are where their
 * outputs are kept. It decides who runs a cell, and no number of its result.
 */
export function cellCost(
  phases: readonly Pick<PhasePlan, "epochs" | "cost">[],
  { train, validation }: ImageCounts,
): number {
  let macs = 0;
  for (const { epochs, cost } of phases) {
    const above = cost.stepMacs - cost.prefixMacs;
    macs += train * (above * epochs + cost.prefixMacs);
    macs += validation * ((cost.forwardMacs - cost.prefixMacs) * epochs + cost.prefixMacs);
  }
  return macs;
}

/**
 * Splits cells over shards, the same on every machine: runner by runner, the costliest cell first, each to the shard
 * that has least to do on that runner; of equals, the one with least to do at all, then the first. Round robin would
 * give whole depths to one shard where the number of depths and of shards have a common divisor, and a cell in which
 * everything trains costs five times one that trains the head.
 * @returns the shard of each cell, 1 … count
 */
export function splitCells(cells: readonly SplitCell[], count: number): readonly number[] {
  const shards = new Array<number>(cells.length).fill(1);
  const total = new Array<number>(count).fill(0);
  for (const runner of new Set(cells.map((cell) => cell.runner))) {
    const load = new Array<number>(count).fill(0);
    const costliestFirst = [...cells.entries()]
      .filter(([, cell]) => cell.runner === runner)
      .sort(([a, { cost: costOfA }], [b, { cost: costOfB }]) => costOfB - costOfA || a - b);
    for (const [at, { cost }] of costliestFirst) {
      let least = 0;
      for (let shard = 1; shard < count; shard += 1) {
        const difference = (load[shard] ?? 0) - (load[least] ?? 0) || (total[shard] ?? 0) - (total[least] ?? 0);
        if (difference < 0) least = shard;
      }
      load[least] = (load[least] ?? 0) + cost;
      total[least] = (total[least] ?? 0) + cost;
      shards[at] = least + 1;
    }
  }
  return shards;
}

import { describe, expect, it } from "vitest";
import { parseShard } from "../src/grid/shard.ts";
import { type SplitCell, splitCells } from "../src/grid/split.ts";

/** Depths that differ in cost, times seeds, times runners, as a sweep expands them. */
function grid(costs: readonly number[], seeds: number, runners: readonly string[]): SplitCell[] {
  return Array.from({ length: seeds }, () =>
    costs.flatMap((cost) => runners.map((runner) => ({ runner, cost }))),
  ).flat();
}

/** Cost that each shard has on each runner. */
function loads(cells: readonly SplitCell[], shards: readonly number[], count: number): Map<string, number[]> {
  const sums = new Map<string, number[]>();
  for (const [at, { runner, cost }] of cells.entries()) {
    const own = sums.get(runner) ?? new Array<number>(count).fill(0);
    sums.set(runner, own);
    own[(shards[at] ?? 0) - 1] = (own[(shards[at] ?? 0) - 1] ?? Number.NaN) + cost;
  }
  return sums;
}

describe("--shard", () => {
  it.each(["0/4", "5/4", "1/0", "", "1", "1/2/3", "-1/2", "1.5/2", "a/b", " 1/2", "1/10001", "1/9999999"])(
    "refuses %j",
    (text) => {
      expect(() => parseShard(text)).toThrow(
        expect.objectContaining({ code: "option-invalid", message: expect.stringContaining(`"${text}"`) }),
      );
    },
  );

  it("counts from 1", () => {
    expect(parseShard("3/8")).toEqual({ index: 3, count: 8 });
  });
});

describe("the split of a sweep", () => {
  it.each([1, 2, 3, 4, 7, 16, 200])("gives each of %i shards its share on each runner", (count) => {
    const cells = grid([500, 330, 180, 100], 25, ["node", "webgpu", "reference"]);
    const shards = splitCells(cells, count);
    expect(shards.length).toBe(cells.length);
    expect(shards.every((shard) => Number.isInteger(shard) && shard >= 1 && shard <= count)).toBe(true);
    for (const [, own] of loads(cells, shards, count)) {
      const fair = own.reduce((sum, load) => sum + load, 0) / count;
      expect(Math.max(...own)).toBeLessThanOrEqual(fair + 500); // no more than the costliest cell above it
    }
  });

  it("does not give a depth to one shard, as round robin does where shards and depths go into each other", () => {
    const cells = grid([500, 330, 180, 100], 8, ["node"]);
    const [own = []] = loads(cells, splitCells(cells, 4), 4).values();
    expect(Math.max(...own) / Math.min(...own)).toBeLessThan(1.2);
    const inTurn = cells.map((_, at) => (at % 4) + 1);
    const [unfair = []] = loads(cells, inTurn, 4).values();
    expect(Math.max(...unfair) / Math.min(...unfair)).toBe(5);
  });

  it("spreads few cells of several runners over the shards", () => {
    const shards = splitCells(grid([100], 1, ["a", "b", "c", "d"]), 4);
    expect([...shards].sort()).toEqual([1, 2, 3, 4]);
  });

  it("is the same every time, and leaves shards without a cell where there are too few", () => {
    const cells = grid([3, 2], 2, ["node"]);
    expect(splitCells(cells, 6)).toEqual(splitCells(cells, 6));
    expect(splitCells(cells, 6)).toEqual([1, 3, 2, 4]);
    expect(splitCells([], 3)).toEqual([]);
  });
});

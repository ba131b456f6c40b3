import type { Result } from "@thaw/core";
import { describe, expect, it } from "vitest";
import { depthOf, groupRows, rateOf } from "../src/rows/report-rows.ts";
import { exampleResults } from "./results-example.ts";

const [FIRST] = exampleResults() as [Result, ...Result[]];

describe("groupRows", () => {
  it("puts seeds of one experiment into one row, in order", () => {
    const [group] = groupRows(exampleResults().reverse());
    expect(group?.name).toBe("shoes: depth");
    expect(group?.rows.map(({ label, runs }) => [label, runs.map(({ spec }) => spec.seed)])).toEqual([
      ["freeze-0", [0, 1, 2]],
      ["freeze-100", [0, 1, 2]],
      ["freeze-154", [0]],
    ]);
    expect(group?.rows.map(depthOf)).toEqual(["0", "100", "154"]);
    expect(group?.rows.map(rateOf)).toEqual([1e-4, 1e-4, 1e-4]);
  });

  it("keeps runners and engine settings apart, but knows the same experiment", () => {
    const settings = { ...FIRST.environment.settings, threads: 1 };
    const rows = groupRows([
      FIRST,
      { ...FIRST, cell: "b", runner: "webgpu" },
      { ...FIRST, cell: "c", environment: { ...FIRST.environment, settings } },
    ]).flatMap(({ rows }) => rows);
    expect(rows.length).toBe(3);
    expect(new Set(rows.map(({ experiment }) => experiment)).size).toBe(1);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(3);
  });

  it("counts a seed once, and keeps its repetition", () => {
    const [row] = groupRows([FIRST, { ...FIRST, cell: `${FIRST.cell}.r2` }])[0]?.rows ?? [];
    expect(row?.runs.length).toBe(1);
    expect(row?.repeats.length).toBe(1);
  });

  it("gives runs of no sweep a group of their own", () => {
    const [group] = groupRows([{ ...FIRST, sweep: null }]);
    expect(group?.name).toBe("single runs");
  });
});

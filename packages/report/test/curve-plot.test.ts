import { type CurvePoint, NOT_FINITE } from "@thaw/core/parity";
import { describe, expect, it } from "vitest";
import { curvePlot, curvesToShow } from "../src/curve-plot.ts";
import { badReport, goodReport } from "./report-example.ts";

function points(values: readonly number[], more: Partial<CurvePoint> = {}): readonly CurvePoint[] {
  return values.map((value, index) => ({ name: `layer ${index}`, value, bound: 1, ...more }));
}

/** Row of the mark in a column, 0 at the top. */
function rowOf(plot: readonly string[], column: number, mark = "●"): number {
  return plot.findIndex((line) => line[10 + column] === mark);
}

describe("the plot of a curve", () => {
  it("rises with the value, and has a line at the bound", () => {
    const plot = curvePlot(points([1e-4, 1e-2, 1, 1e2]));
    const rows = [0, 1, 2, 3].map((column) => rowOf(plot, column));
    expect(rows).toEqual([...rows].sort((a, b) => b - a));
    expect(new Set(rows).size).toBe(4);
    expect(plot.findIndex((line) => line.startsWith("   bound ┼"))).toBe(rows[2]);
    expect(plot.at(-1)).toBe("         └ layer 0 … layer 3 (4 values); first beyond its bound: layer 3");
  });

  it("keeps to its width by taking the highest of neighbours", () => {
    const values = Array.from({ length: 155 }, (_, index) => (index === 77 ? 50 : 1e-3));
    const plot = curvePlot(points(values), 31);
    expect(Math.max(...plot.slice(0, -1).map((line) => line.length))).toBeLessThanOrEqual(41);
    expect(rowOf(plot, 15)).toBeLessThan(rowOf(plot, 14));
  });

  it("marks self-noise beside the difference, and what is no number", () => {
    const plot = curvePlot(points([1e-3, 1e-2], { selfNoise: 1e-1 }));
    expect(rowOf(plot, 0, "○")).toBeLessThan(rowOf(plot, 0));
    expect(plot.at(-1)).toContain("● difference, ○ self-noise");
    const broken = curvePlot(points([1e-3, NOT_FINITE, 1e-3]));
    expect(rowOf(broken, 1, "!")).toBe(0);
    expect(rowOf(broken, 2)).toBe(rowOf(broken, 0));
  });

  it("draws zeros, exact checks, single points, and nothing of nothing", () => {
    expect(curvePlot([])).toEqual([]);
    const zeros = curvePlot(points([0, 0]));
    expect(rowOf(zeros, 0)).toBe(7);
    expect(curvePlot(points([1e-9])).at(-1)).toBe("         └ layer 0 (1 values)");
    const exact = curvePlot([...points([0], { bound: 0 }), ...points([1], { bound: 0 })]);
    expect([rowOf(exact, 0), rowOf(exact, 1, "!")]).toEqual([7, 0]);
  });

  it("is drawn for what failed, else for what came closest to its bound", () => {
    const titles = (report: ReturnType<typeof goodReport>): readonly string[] =>
      curvesToShow(report, 4).map(({ runner, rung, depth }) => `${runner} ${rung} ${depth}`);
    expect(titles(badReport())).toEqual(["webgpu L3 0"]);
    expect(titles(goodReport())).toEqual(["webgpu L3 0"]);
    expect(titles(goodReport({ results: [] }))).toEqual([]);
  });
});

import type { Result } from "@thaw/core";
import { describe, expect, it } from "vitest";
import { htmlText } from "../src/page/markup.ts";
import { ratePlot } from "../src/page/rate-plot.ts";
import { lossTop, rowCurves } from "../src/page/row-curves.ts";
import { ownSpeeds, speedSection } from "../src/page/speed-section.ts";
import { groupRows } from "../src/rows/report-rows.ts";
import { fullInput } from "./page-example.ts";
import { exampleResults, exampleRow } from "./results-example.ts";

/** Lines of a drawing that are a solid curve of validation values. */
function solidLines(svg: string): readonly string[] {
  return [...svg.matchAll(/<path d="(M[^"]+)"[^>]*stroke="var\(--ink\)"/g)].map(([, path]) => path ?? "");
}

describe("rowCurves", () => {
  it("draws a solid line a seed for validation, one point an epoch, on a scale from 0 to 1", async () => {
    const row = exampleRow("shoes-depth-freeze-0");
    const { accuracy } = await rowCurves(row, 2);
    const lines = solidLines(htmlText(accuracy));
    expect(lines.length).toBe(3);
    const points = (lines[0] ?? "")
      .slice(1)
      .split("L")
      .map((point) => point.split(",").map(Number));
    expect(points.length).toBe(10);
    const last = row.runs[0].epochs.at(-1)?.validation?.accuracy ?? 0;
    expect(points.at(-1)?.[0]).toBe(128);
    expect(points.at(-1)?.[1]).toBeCloseTo(50 * (1 - last), 2);
  });

  it("says in words what it draws", async () => {
    const { loss } = await rowCurves(exampleRow("shoes-depth-freeze-0_seed-0"), 2);
    expect(htmlText(loss)).toMatch(
      /aria-label="Curve of the loss: validation from 2\.\d+ to [12]\.\d+, training from .* in 10 epochs\."/,
    );
  });

  it("leaves epochs out that have no number, and cuts the loss at twice what guessing costs", async () => {
    const [first] = exampleRow("shoes-depth-freeze-0_seed-0").runs;
    const epochs = first.epochs.map((epoch, index) =>
      index === 3
        ? { ...epoch, validation: { loss: Number.NaN, accuracy: 0.2 }, train: { loss: 99, accuracy: 1 } }
        : epoch,
    );
    const row = exampleRow("shoes", [{ ...first, epochs }]);
    expect(lossTop([row])).toBeCloseTo(2 * Math.log(6), 9);
    expect(htmlText((await rowCurves(row, lossTop([row]))).loss)).not.toContain("NaN,");
  });
});

describe("ratePlot", () => {
  const withRate = (result: Result, learningRate: number): Result => {
    const optimizer = { ...result.spec.optimizer, learningRate };
    const phases = result.phases.map((phase) => ({ ...phase, optimizer: { ...phase.optimizer, learningRate } }));
    const sweep = { name: "s", group: "rates", label: `lr-${learningRate}` };
    return { ...result, cell: `${result.cell}-${learningRate}`, sweep, phases, spec: { ...result.spec, optimizer } };
  };

  it("draws a series a depth once a depth has two rates, with its data", async () => {
    const results = exampleResults().filter(({ cell }) => cell.includes("seed-0"));
    const rates = [...results, ...results.slice(0, 2).map((result) => withRate(result, 1e-3))];
    const text = htmlText((await ratePlot(groupRows(rates))) ?? ([] as never));
    expect(text).toContain("nothing frozen: 1e-4 gives 33 %, 1e-3 gives 33 %. first 100 frozen: 1e-4 gives");
    expect(text).not.toContain("first 154 frozen"); // one rate alone
    expect(text).toContain('download="learning-rates.csv"');
  });

  it("draws an experiment that two groups share once, with the most seeds", async () => {
    const results = exampleResults().filter(({ spec }) => spec.freeze === 0);
    const [first] = results as [Result, ...Result[]];
    const again = { ...first, cell: "again", sweep: { name: "s", group: "other", label: "same" } };
    const text = htmlText((await ratePlot(groupRows([...results, again, withRate(first, 1e-3)]))) ?? ([] as never));
    expect(text).toContain("nothing frozen: 1e-4 gives 40 %, 1e-3 gives 33 %.");
  });

  it("is not there where no rate varies", async () => {
    expect(await ratePlot(groupRows(exampleResults()))).toBeNull();
  });
});

describe("speedSection", () => {
  it("takes the median over a row's runs", () => {
    const [first] = ownSpeeds(groupRows(exampleResults().filter(({ spec }) => spec.freeze === 0)));
    const speeds = exampleResults()
      .filter(({ spec }) => spec.freeze === 0)
      .map(({ timing }) => timing.imagesPerSecond ?? 0)
      .sort((a, b) => a - b);
    expect(first?.imagesPerSecond).toEqual({ low: speeds[0], median: speeds[1], high: speeds[2] });
  });

  it("draws a recording beside its roofs and says what is missing", async () => {
    const text = htmlText((await speedSection([], fullInput().speed)) ?? ([] as never));
    expect(text).toContain("memory copy");
    expect(text).toContain("node 149 images a second");
    expect(text).toContain("pytorch is missing: not installed");
  });
});

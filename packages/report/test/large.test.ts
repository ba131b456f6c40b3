import type { Result } from "@thaw/core";
import { beforeAll, describe, expect, it } from "vitest";
import { reportPage, resultsMarkdown } from "../src/index.ts";
import { abridgedGroups, MOST, seedList } from "../src/rows/abridged.ts";
import { groupRows } from "../src/rows/report-rows.ts";
import { exampleResults } from "./results-example.ts";

const INPUT = {
  title: "Large",
  madeAt: "2026-01-01T00:00:00.000Z",
  thawVersion: "0.1.0",
  parity: [],
  speed: null,
  photos: { kind: "left-out" },
} as const;

/** An example's result as that of another seed, or of another rate. */
function another(result: Result, at: number, changes: { readonly seed?: number; readonly rate?: number }): Result {
  const { seed = result.spec.seed, rate } = changes;
  const label = rate === undefined ? `freeze-0_seed-${seed}` : `lr-${rate}`;
  const optimizer = rate === undefined ? result.spec.optimizer : { ...result.spec.optimizer, learningRate: rate };
  const validation = { accuracy: ((at * 7) % 1000) / 1000, loss: 1 };
  return {
    ...result,
    cell: `large-${label}-node-${at.toString(16).padStart(12, "0")}`,
    sweep: { name: "large", group: "g", label },
    spec: { ...result.spec, seed, optimizer },
    final: { ...result.final, validation },
  };
}

describe("a report of a large sweep", () => {
  let example: Result;
  beforeAll(() => {
    [example] = exampleResults() as [Result];
  });

  it("shows few of the thousands of seeds that a row has, and says so", async () => {
    const epochs = Array.from({ length: 60 }, (_, at) => ({ ...example.epochs[0], epoch: at + 1 })) as Result["epochs"];
    const results = Array.from({ length: 2500 }, (_, at) => ({ ...another(example, at, { seed: at }), epochs }));
    const page = await reportPage({ ...INPUT, results });
    expect(page.length).toBeLessThan(20e6);
    expect(page).toContain("seeds 0 to 2499 (2500 of them); curves of 24");
    expect(page).toContain("2476 more seeds are not drawn");
    expect(page).toContain("in all 2500 seeds");
    expect(page).toContain(`freeze-0: ${2500 - MOST.runs} more runs, too many for this page`);
    expect(page).toContain("The 150000 epochs of all runs are too many to keep in this page");
    expect(page.match(/class="run"><summary>/g)?.length).toBe(MOST.runs);
  }, 120_000);

  it("shows the best of thousands of rows, in their order, and the best row among them", async () => {
    const results = Array.from({ length: 1500 }, (_, at) => another(example, at, { rate: (at + 1) / 1e6 }));
    const { groups, shown, rows } = abridgedGroups(groupRows(results));
    expect([shown, rows]).toEqual([MOST.rows, 1500]);
    const cells = groups.flatMap((group) => group.rows.map((row) => row.runs[0]));
    const correct = ({ final, data }: Result): number =>
      Math.round((final.validation?.accuracy ?? 0) * data.validation);
    const worst = cells.reduce((low, result) => Math.min(low, correct(result)), example.data.validation);
    const better = results.filter((result) => correct(result) > worst).length;
    expect(better).toBeLessThanOrEqual(MOST.rows);
    expect(cells.map(({ cell }) => cell)).toEqual([...cells.map(({ cell }) => cell)].sort());

    const some = results.slice(0, MOST.rows + 2);
    const page = await reportPage({ ...INPUT, results: some });
    const note = `Of ${MOST.rows + 2} rows the ${MOST.rows} with the highest validation accuracy`;
    expect(page).toContain(`${note} are shown`);
    expect(page.match(/<tr role="row" id="row-/g)?.length).toBe(MOST.rows);
    const best = /Best row: <a href="#(row-\d+)"/.exec(page)?.[1];
    expect(page).toContain(`<tr role="row" id="${best}" class="best">`);
    const markdown = resultsMarkdown({ ...INPUT, results });
    expect(markdown).toContain(`Of 1500 rows the ${MOST.rows}`);
    expect(markdown.length).toBeLessThan(2 ** 20); // what GitHub takes as a summary
  }, 240_000);

  it("leaves a small one as it is", () => {
    const groups = groupRows(exampleResults());
    expect(abridgedGroups(groups).groups).toBe(groups);
    expect(seedList([3, 1, 2])).toBe("3, 1, 2");
    expect(seedList(Array.from({ length: 25 }, (_, at) => 30 - at))).toBe("6 to 30 (25 of them)");
  });
});

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MOST_ROWS, resultTable, type TableRow } from "../src/table.ts";
import { ROOT } from "./command-line.ts";
import { resultsIn } from "./result-files.ts";

describe("the table of a sweep", () => {
  const row = (at: number): TableRow => ({ cell: `cell-${at}.`, runner: "node", result: null, failure: "cancelled" });

  it("has every row of a sweep that can be looked through", () => {
    const table = resultTable(Array.from({ length: MOST_ROWS }, (_, at) => row(at)));
    expect(table.match(/cell-\d+\./g)?.length).toBe(MOST_ROWS);
    expect(table).not.toContain("more rows");
  });

  it("says how many rows of thousands it leaves out", () => {
    const table = resultTable(Array.from({ length: 10_000 }, (_, at) => row(at)));
    expect(table.match(/cell-\d+\./g)?.length).toBe(MOST_ROWS);
    expect(table).toContain(`${10_000 - MOST_ROWS} more rows are not shown`);
  });

  it("shows those that have failed, wherever they stand", () => {
    const [result = null] = resultsIn(join(ROOT, "benchmarks/recorded/article-sweep-a"));
    const rows = Array.from({ length: 300 }, (_, at): TableRow => (at === 299 ? row(at) : { ...row(at), result }));
    const table = resultTable(rows);
    expect(table).toContain("cell-299.");
    expect(table.match(/cell-\d+\./g)?.length).toBe(MOST_ROWS);
  });
});

import { parse } from "csv-parse/sync";
import { describe, expect, it } from "vitest";
import { type Column, csvText, dataTable } from "../src/page/data-table.ts";
import { htmlText } from "../src/page/markup.ts";

interface Row {
  readonly name: string;
  readonly value: number | null;
}

const COLUMNS: readonly Column<Row>[] = [
  { name: "name", of: ({ name }) => name },
  { name: "value", of: ({ value }) => value, digits: 3 },
];

const ROWS: readonly Row[] = [
  { name: '=HYPERLINK("http://x")', value: -0.123456789 },
  { name: "+1", value: 1e-7 },
  { name: "@SUM(A1)", value: null },
  { name: 'a "quoted"\nname, with comma', value: 3 },
];

describe("csvText", () => {
  it("keeps every digit and every name, and lets no name begin a formula", () => {
    const records = parse(csvText(COLUMNS, ROWS)) as string[][];
    expect(records).toEqual([
      ["name", "value"],
      ['\'=HYPERLINK("http://x")', "-0.123456789"],
      ["'+1", "1e-7"],
      ["'@SUM(A1)", ""],
      ['a "quoted"\nname, with comma', "3"],
    ]);
  });
});

describe("dataTable", () => {
  it("holds the file in its link and shows the rows as a table", () => {
    const text = htmlText(dataTable("Caption", "x.csv", COLUMNS, ROWS));
    const address = /href="data:text\/csv;charset=utf-8,([^"]*)"/.exec(text)?.[1] ?? "";
    expect(decodeURIComponent(address.replace(/&#39;/g, "'"))).toBe(csvText(COLUMNS, ROWS));
    expect(text).toContain('<td class="n">-0.123</td>');
    expect(text).toContain('<td class="n">3</td>');
  });
});

import { describe, expect, it } from "vitest";
import { resultsMarkdown } from "../src/index.ts";
import { fullInput, HOSTILE, renamed } from "./page-example.ts";
import { exampleResults } from "./results-example.ts";

describe("resultsMarkdown", () => {
  const text = resultsMarkdown(fullInput());

  it("says the best row first, and why", () => {
    const [title, , best] = text.split("\n");
    expect(title).toBe("## Shoes");
    expect(best).toContain("**Best row: freeze-0 (trains Conv1 … head, rate 1e-4, 10 epochs)**");
    expect(text).toContain("- Next comes freeze-100");
  });

  it("has a line a row with counts, interval and what trains", () => {
    const line = text.split("\n").find((candidate) => candidate.includes("freeze-154"));
    expect(line).toContain("first 154 layers frozen<br>trains head alone<br>");
    expect(line).toMatch(/20 of 61<br>95 %: \d+–\d+ %/);
    expect(line).toContain("BN: 0 batch-stats, 52 inference");
  });

  it("keeps names from being Markdown or HTML", () => {
    const results = renamed(exampleResults(), HOSTILE.classes).map((result) => ({ ...result, runner: "<b>|x\n# y" }));
    const hostile = resultsMarkdown({ ...fullInput(results), title: HOSTILE.title });
    expect(hostile).not.toContain("<script");
    expect(hostile).not.toContain("<b>");
    expect(hostile.split("\n").some((line) => line.startsWith("# y"))).toBe(false);
  });
});

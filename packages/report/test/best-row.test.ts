import type { Result } from "@thaw/core";
import { describe, expect, it } from "vitest";
import { bestCaveats, bestReasons } from "../src/page/best-section.ts";
import { bestRow } from "../src/rows/best-row.ts";
import { allRows, groupRows } from "../src/rows/report-rows.ts";
import { exampleResults } from "./results-example.ts";

const [FIRST] = exampleResults() as [Result, ...Result[]];

interface Change {
  readonly freeze: number;
  readonly validation: number;
  readonly loss?: number;
  readonly test?: number;
  readonly runner?: string;
}

/** A result that differs from the example in what a choice goes by. */
function changed({ freeze, validation, loss = 1, test = 0.5, runner = "node" }: Change): Result {
  return {
    ...FIRST,
    cell: `cell-${freeze}-${runner}`,
    runner,
    sweep: { name: "s", group: "g", label: `freeze-${freeze}` },
    spec: { ...FIRST.spec, freeze },
    final: { ...FIRST.final, validation: { accuracy: validation, loss }, test: { accuracy: test, loss: 1 } },
  };
}

const bestOf = (changes: readonly Change[]) => bestRow(allRows(groupRows(changes.map(changed))));

describe("bestRow", () => {
  it("goes by validation accuracy, never by the test figure", () => {
    const best = bestOf([
      { freeze: 0, validation: 0.6, test: 0.99 },
      { freeze: 50, validation: 0.7, test: 0.1 },
    ]);
    expect(best?.row.label).toBe("freeze-50");
    expect(best?.tied).toBe(false);
    expect(best?.test?.accuracy).toBeCloseTo(8 / 75, 9); // of 75 images, the nearest count to 0.1
  });

  it("lets the loss decide between equals", () => {
    const best = bestOf([
      { freeze: 0, validation: 0.6, loss: 1.2 },
      { freeze: 50, validation: 0.6, loss: 0.9 },
    ]);
    expect(best?.row.label).toBe("freeze-50");
    expect(best?.tied).toBe(true);
    expect(bestReasons(best as NonNullable<typeof best>)[0]).toContain(
      "level with the next, and the lower validation loss",
    );
  });

  it("takes losses for equal that differ by rounding alone: the earlier row then stands", () => {
    const best = bestOf([
      { freeze: 0, validation: 0.6, loss: 1.15400002 },
      { freeze: 0, validation: 0.6, loss: 1.154, runner: "webgpu" },
    ]);
    expect(best?.row.runner).toBe("node");
    expect(best?.experiments).toBe(1);
  });

  it("takes another experiment for the next, and names the same one on other runners", () => {
    const best = bestOf([
      { freeze: 0, validation: 0.7 },
      { freeze: 0, validation: 0.69, runner: "webgpu" },
      { freeze: 50, validation: 0.6 },
    ]);
    expect(best?.next?.row.label).toBe("freeze-50");
    expect(best?.elsewhere.map(({ row }) => row.runner)).toEqual(["webgpu"]);
  });

  it("chooses none where nothing was validated", () => {
    const result = { ...FIRST, final: { ...FIRST.final, validation: null } };
    expect(bestRow(allRows(groupRows([result])))).toBeNull();
  });

  it("warns of one seed in plain words, and not of three", () => {
    const one = bestOf([{ freeze: 0, validation: 0.6 }]);
    expect(bestCaveats(one as NonNullable<typeof one>).join(" ")).toContain("One seed");
    const three = bestRow(allRows(groupRows(exampleResults())));
    expect(three?.row.runs.length).toBe(3);
    expect(bestCaveats(three as NonNullable<typeof three>).join(" ")).not.toContain("One seed");
    expect(bestReasons(three as NonNullable<typeof three>).join(" ")).toContain("Paired over seeds 0, 1, 2");
  });
});

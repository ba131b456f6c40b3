import type { Result } from "@thaw/core";
import { describe, expect, it } from "vitest";
import type { LiveCell } from "../src/live/live-cell.ts";
import { liveParts, liveRow, stateMarkup, sweepText } from "../src/live/live-table.ts";
import { htmlText } from "../src/page/markup.ts";
import { exampleResults } from "./results-example.ts";

const [RESULT] = exampleResults() as [Result, ...Result[]];

function cellOf(change: Partial<LiveCell> = {}): LiveCell {
  const { spec, data, phases, epochs } = RESULT;
  return {
    id: "c1",
    group: "depth",
    label: "<freeze-0>",
    runner: "node",
    planned: { spec, data, phases },
    state: "running",
    isOld: false,
    device: "AMD EPYC",
    epochs: epochs.slice(0, 4),
    step: { step: 30, totalSteps: 70, loss: 0.5 },
    result: null,
    failure: null,
    ...change,
  };
}

describe("liveParts", () => {
  it("draws the epochs so far on an axis of all that will be", async () => {
    const { accuracy, train } = await liveParts(cellOf());
    const path = /<path d="(M[^"]+)"[^>]*stroke="var\(--ink\)"/.exec(accuracy)?.[1] ?? "";
    const points = path
      .slice(1)
      .split("L")
      .map((point) => Number(point.split(",")[0]));
    expect(points.length).toBe(4);
    expect(points.at(-1)).toBeCloseTo((128 * 3) / 9, 2);
    expect(train).toMatch(/^\d+\.\d %$/);
  });

  it("has nothing to show before the first epoch", async () => {
    expect(await liveParts(cellOf({ epochs: [], step: null }))).toMatchObject({
      accuracy: "",
      loss: "",
      train: "",
      validation: "",
    });
  });

  it.each([
    ["queued", true],
    ["running", true],
    ["done", false],
    ["failed", false],
    ["cancelled", false],
  ] as const)("of a cell that is %s: can be cancelled is %s", async (state, can) => {
    expect((await liveParts(cellOf({ state }))).action.includes("data-cancel")).toBe(can);
  });
});

describe("stateMarkup", () => {
  it("says where a cell stands, and escapes what failed", () => {
    const text = (change: Partial<LiveCell>): string => htmlText(stateMarkup(cellOf(change)));
    expect(text({})).toContain("epoch 5 of 10");
    expect(text({})).toContain('value="0.429"');
    expect(text({ step: null })).toContain("starting");
    expect(text({ state: "done", result: RESULT })).toMatch(/done in \d\.\d min/);
    expect(text({ state: "done", isOld: true })).toContain("done before");
    expect(text({ state: "failed", failure: "<b>" })).toContain("failed: &lt;b&gt;");
  });
});

describe("liveRow", () => {
  it("escapes the label, and says what trains", async () => {
    const row = await liveRow(cellOf());
    expect(row).toContain("depth: &lt;freeze-0&gt;");
    expect(row).toContain("trains Conv1 … head");
    expect(row).not.toContain("<freeze-0>");
  });
});

describe("sweepText", () => {
  it("counts cells by state", () => {
    const states = ["done", "done", "running", "queued", "cancelled"] as const;
    expect(sweepText(states.map((state) => cellOf({ state })))).toBe(
      "2 of 5 cells done, 1 running, 1 queued, 1 cancelled",
    );
  });
});

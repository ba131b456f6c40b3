import { describe, expect, it } from "vitest";
import { htmlText } from "../src/page/markup.ts";
import { confusionTable } from "../src/page/mistakes-section.ts";
import { confusionOf } from "../src/rows/confusion.ts";
import { worstMistakes } from "../src/rows/mistakes.ts";
import { exampleRow, olderResult } from "./results-example.ts";

const ROW = exampleRow("shoes-depth-freeze-0");

describe("confusionOf", () => {
  it("adds up to the images, and on its diagonal to the right ones", () => {
    const confusion = confusionOf(ROW.runs, "validation");
    const counts = confusion?.counts ?? [];
    expect(counts.flat().reduce((sum, value) => sum + value, 0)).toBe(61 + 60 + 66);
    expect(counts.reduce((sum, row, index) => sum + (row[index] ?? 0), 0)).toBe(20 + 25 + 30);
  });

  it("has the true class in rows", () => {
    const [run] = ROW.runs;
    const labels = run.data.heldOut?.test.labels ?? [];
    const boots = confusionOf([run], "test")?.counts[1] ?? [];
    expect(boots.reduce((sum, value) => sum + value, 0)).toBe(labels.filter((label) => label === 1).length);
  });

  it("is null for results that do not say which images were held out", () => {
    expect(confusionOf(ROW.runs.map(olderResult), "test")).toBeNull();
  });

  it("names every class by row and column, and how many of it were found", () => {
    const text = htmlText(
      confusionTable(
        {
          classes: ["a", "<b>"],
          counts: [
            [3, 1],
            [0, 0],
          ],
        },
        "Test",
      ),
    );
    expect(text).toContain("3 of 4");
    expect(text.match(/&lt;b&gt;/g)?.length).toBe(2);
    expect(text).not.toContain("<b>");
  });
});

describe("worstMistakes", () => {
  it("lists wrong images alone, the largest loss first, each once", () => {
    const mistakes = worstMistakes(ROW.runs) ?? [];
    expect(mistakes.length).toBe(12);
    expect(mistakes.every(({ label, predicted }) => label !== predicted)).toBe(true);
    expect(mistakes.map(({ loss }) => loss)).toEqual(mistakes.map(({ loss }) => loss).sort((a, b) => b - a));
    expect(new Set(mistakes.map(({ id }) => id)).size).toBe(12);
    expect(mistakes.every(({ id, label }) => id.startsWith(`${label}/`))).toBe(true);
    expect(mistakes.every(({ ownProbability, confidence }) => ownProbability < confidence)).toBe(true);
  });

  it("is null for results that do not say how sure they were", () => {
    expect(worstMistakes(ROW.runs.map(olderResult))).toBeNull();
  });
});

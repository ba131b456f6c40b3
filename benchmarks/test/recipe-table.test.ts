import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Result } from "@thaw/core";
import { beforeAll, describe, expect, it } from "vitest";
import { tableIn, withTable } from "../src/recipes/docs-table.ts";
import { recipeDifferences, testAccuracy } from "../src/recipes/recipe-comparison.ts";
import { recipeMarkdown } from "../src/recipes/recipe-markdown.ts";
import { type RecipeSummary, recipeSummary } from "../src/recipes/recipe-summary.ts";
import { holm, seedEstimate } from "../src/recipes/seed-statistics.ts";

const RECORDED = new URL("../recorded/recipes/", import.meta.url);
const PAGE = new URL("../../docs/recipes.md", import.meta.url);
const MAIN = fileURLToPath(new URL("../../packages/cli/src/main.ts", import.meta.url));

describe("an estimate over seeds", () => {
  it("is Student's interval and p where seeds share no images", () => {
    const { mean, standardDeviation, interval, p } = seedEstimate([1, 2, 3, 4, 5], 0);
    expect([mean, standardDeviation]).toEqual([3, Math.sqrt(2.5)]);
    expect(interval[0]).toBeCloseTo(3 - 2.776445 * Math.sqrt(0.5), 5); // t of 97.5 % with 4 degrees of freedom
    expect(interval[1]).toBeCloseTo(3 + 2.776445 * Math.sqrt(0.5), 5);
    expect(p).toBeCloseTo(0.013236, 5); // R: t.test(1:5)$p.value
  });

  it("is wider by the share of images that are tested on, as Nadeau and Bengio have it", () => {
    const width = (ratio: number): number => {
      const [low, high] = seedEstimate([1, 2, 3, 4, 5], ratio).interval;
      return high - low;
    };
    expect(width(0.4) / width(0)).toBeCloseTo(Math.sqrt((0.2 + 0.4) / 0.2), 10);
  });

  it("has no spread where all seeds agree, and refuses one seed", () => {
    expect(seedEstimate([0, 0, 0], 0.4)).toMatchObject({ interval: [0, 0], p: 1 });
    expect(seedEstimate([2, 2, 2], 0.4)).toMatchObject({ interval: [2, 2], p: 0 });
    expect(() => seedEstimate([1], 0)).toThrow("at least 2");
  });
});

describe("Holm's adjustment", () => {
  it.each([
    [
      [0.01, 0.02, 0.03, 0.04],
      [0.04, 0.06, 0.06, 0.06],
    ],
    [
      [0.04, 0.001, 0.5],
      [0.08, 0.003, 0.5],
    ],
    [
      [0.6, 0.7],
      [1, 1],
    ],
    [[], []],
  ])("of %j is %j, as R's p.adjust has it", (values, adjusted) => {
    expect(holm(values).map((value) => Number(value.toFixed(12)))).toEqual(adjusted);
  });
});

describe("a table's place in a page", () => {
  const page = "# Page\n<!-- table: a -->\nold\n<!-- end of table -->\n<!-- table: b -->\n<!-- end of table -->\n";

  it("is filled, and the rest stays", () => {
    const changed = withTable(page, "a", "| new |");
    expect(tableIn(changed, "a")).toBe("| new |");
    expect(tableIn(changed, "b")).toBe("");
    expect(withTable(changed, "a", "| new |")).toBe(changed);
    expect(() => withTable(page, "c", "x")).toThrow('no place for the table "c"');
  });
});

describe("the summary of a sweep", () => {
  let results: Result[];
  let summary: RecipeSummary;

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), "thaw-recipes-"));
    const spec = join(folder, "sweep.json");
    const experiment = {
      version: 1,
      name: "tiny",
      model: { alpha: 0.35, imageSize: 32, weights: "random" },
      data: { kind: "builtin", name: "fashion-shoes", limit: 30 },
      split: { validation: 0, test: 0.4 },
      freeze: 154,
      batchSize: 8,
    };
    const cells = [{ label: "one" }, { label: "two", phases: [{ epochs: 1 }, { epochs: 2, freeze: 150 }] }];
    const groups = [{ name: "recipe", cells, seeds: [4, 7] }];
    writeFileSync(spec, JSON.stringify({ version: 1, name: "tiny", experiment, groups }));
    const args = ["--import", "tsx", "--conditions=source", MAIN, "sweep", spec, "--out", join(folder, "out")];
    const run = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(run.stderr).toContain("tiny-recipe-two_seed-7");
    const files = readdirSync(join(folder, "out")).filter((name) => name.endsWith(".json"));
    results = files.map((name) => JSON.parse(readFileSync(join(folder, "out", name), "utf8")) as Result);
    summary = await recipeSummary(results, "one");
  });

  it("has every recipe with its phases and seeds, in the order of the sweep", () => {
    expect(summary.cells.map(({ label, runs }) => [label, runs.map(({ seed }) => seed)])).toEqual([
      ["one", [4, 7]],
      ["two", [4, 7]],
    ]);
    expect(summary.cells[1]?.phases).toEqual([
      { epochs: 1, learningRate: 1e-3, multipliers: [1], from: "head", weights: 3843 },
      { epochs: 2, learningRate: 1e-3, multipliers: [1], from: "block_16_project_BN", weights: expect.any(Number) },
    ]);
    const { accuracy, images } = summary.cells[0]?.runs[0] ?? {};
    expect(accuracy?.test).toBe(results.find(({ cell }) => cell.includes("one_seed-4"))?.final.test?.accuracy);
    expect(images).toEqual({ train: 18, validation: 0, test: 12 });
    expect([summary.sweep, summary.runner, summary.leftOut]).toEqual(["tiny", "node", []]);
  });

  it("makes a table with a difference paired by seed", () => {
    const [difference, ...others] = recipeDifferences(summary);
    const [one, two] = summary.cells.map(testAccuracy);
    expect(others).toEqual([]);
    expect([difference?.recipe, difference?.against]).toEqual(["two", "one"]);
    expect(difference?.mean).toBeCloseTo((two?.mean ?? 0) - (one?.mean ?? 0), 10);
    const table = recipeMarkdown(summary);
    expect(table.split("\n").filter((line) => line.startsWith("| one | head, 3,843 | 1 at 1e-3 |")).length).toBe(1);
    expect(table).toContain("2 seeds (4, 7); test images 12, 12");
    expect(recipeMarkdown({ ...summary, baseline: null })).toContain("| two − one |");
    const phase = { epochs: 3, learningRate: 1e-4, multipliers: [1, 0.3], from: "Conv_1", weights: 9 };
    const phased = summary.cells.map((cell) => ({ ...cell, phases: [...cell.phases, phase, phase] }));
    expect(recipeMarkdown({ ...summary, cells: phased })).toContain("| 1 at 1e-3, 2 times 3 at 1e-4 × 1, 0.3 |");
  });

  it("says which differences stand out, and which recipe was best with which seed", () => {
    const withTest = (label: string, ...accuracies: number[]): RecipeSummary["cells"][number] => {
      const [template] = summary.cells;
      const [run] = template?.runs ?? [];
      if (template === undefined || run === undefined) throw new Error("The summary has no run.");
      const runs = accuracies.map((test, seed) => ({ ...run, seed, accuracy: { ...run.accuracy, test } }));
      return { ...template, label, runs };
    };
    const worse = withTest("worse", 0.2, 0.21, 0.2, 0.21, 0.2);
    const better = withTest("better", 0.5, 0.51, 0.51, 0.52, 0.5);
    const alike = withTest("alike", 0.4, 0.53, 0.51, 0.48, 0.58);
    const clear = recipeMarkdown({ ...summary, baseline: "worse", cells: [worse, better] });
    expect(clear).toContain("Of 1 difference, 1 stands out of 0 after Holm's correction: better − worse, +30.4 pp.");
    const unclear = recipeMarkdown({ ...summary, baseline: "better", cells: [better, alike] });
    expect(unclear).toMatch(/^None of 1 difference stands out of 0 after Holm's correction\. That is not equality/m);
    expect(unclear).toContain("Highest by seed: 0: better; 1: alike; 2: better = alike; 3: better; 4: alike.");
  });

  it("leaves out a seed that a recipe lacks, and says so", async () => {
    const part = await recipeSummary(
      results.filter(({ cell }) => !cell.includes("two_seed-7")),
      null,
    );
    expect(part.leftOut).toEqual([7]);
    expect(part.cells.map(({ runs }) => runs.length)).toEqual([1, 1]);
  });

  it("refuses recipes that were tested on other images, another machine's results, and an unknown baseline", async () => {
    const [first, ...rest] = results;
    if (first?.data.heldOut === undefined) throw new Error("There is no result.");
    const { test, validation } = first.data.heldOut;
    const moved = { validation, test: { ...test, ids: [...test.ids.slice(1), "other"] } };
    const other = { ...first, data: { ...first.data, heldOut: moved } };
    await expect(recipeSummary([other, ...rest], "one")).rejects.toThrow("other test images");
    await expect(recipeSummary([{ ...first, runner: "keras" }, ...rest], "one")).rejects.toThrow("expected one");
    await expect(recipeSummary([...results, { ...first, cell: "again" }], "one")).rejects.toThrow("expected one");
    await expect(recipeSummary(results, "three")).rejects.toThrow('no recipe "three"');
  });
});

describe("docs/recipes.md", () => {
  it.each(readdirSync(RECORDED))("has the table of %s as it is recorded", (name) => {
    const summary = JSON.parse(readFileSync(new URL(name, RECORDED), "utf8")) as RecipeSummary;
    expect(tableIn(readFileSync(PAGE, "utf8"), summary.sweep)).toBe(recipeMarkdown(summary));
  });
});

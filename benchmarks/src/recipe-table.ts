// Sums up a recipe's sweep into recorded/recipes and puts its table into docs/recipes.md.
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Result, ThawError } from "@thaw/core";
import { writeAtomically } from "@thaw/runner-kit";
import { withTable } from "./recipes/docs-table.ts";
import { recipeMarkdown } from "./recipes/recipe-markdown.ts";
import { recipeSummary } from "./recipes/recipe-summary.ts";

const RECORDED = fileURLToPath(new URL("../recorded/recipes", import.meta.url));
const PAGE = fileURLToPath(new URL("../../docs/recipes.md", import.meta.url));

async function resultsIn(folder: string): Promise<readonly Result[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".json"));
  return await Promise.all(names.map(async (name) => JSON.parse(await readFile(join(folder, name), "utf8")) as Result));
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { baseline: { type: "string" }, "all-pairs": { type: "boolean", default: false } },
});
const [folder, ...more] = positionals;
if (folder === undefined || more.length > 0 || (values.baseline === undefined) !== values["all-pairs"]) {
  throw new ThawError("option-invalid", "Usage: recipe-table FOLDER (--baseline LABEL | --all-pairs)", {
    hint: "FOLDER holds the results of one sweep, such as thaw sweep … --out FOLDER left them.",
  });
}
const summary = await recipeSummary(await resultsIn(folder), values.baseline ?? null);
await mkdir(RECORDED, { recursive: true });
const text = (content: string): Uint8Array => new TextEncoder().encode(content);
await writeAtomically(join(RECORDED, `${summary.sweep}.json`), text(`${JSON.stringify(summary, null, 1)}\n`));
const table = recipeMarkdown(summary);
await writeAtomically(PAGE, text(withTable(await readFile(PAGE, "utf8"), summary.sweep, table)));
process.stdout.write(`${table}\n`);

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { indexCells } from "../src/grid/cell-files.ts";
import { temporaryFolder } from "./command-line.ts";

it("what a run leaves for itself is not among the files that a merge brings along", async () => {
  const folder = temporaryFolder();
  const cell = "small-node-0123456789ab";
  for (const rest of [
    "json",
    "events.jsonl",
    "model.safetensors",
    "lock",
    "checkpoint",
    "checkpoint.7.part",
    "weights.part",
  ])
    writeFileSync(join(folder, `${cell}.${rest}`), "");
  const { cells, strangers } = await indexCells([folder], new Set([cell]));
  expect(cells.get(cell)).toEqual([{ folder, hasResult: true, others: ["events.jsonl", "model.safetensors"] }]);
  expect(strangers).toEqual([]);
});

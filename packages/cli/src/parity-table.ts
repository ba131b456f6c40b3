import { compareRuns, type Result, type RunComparison } from "@thaw/core";
import Table from "cli-table3";
import { MOST_ROWS, moreRows, type TableRow } from "./table.ts";

function identityText({ plan, initialWeights, frozenWeights }: RunComparison["identity"]): string {
  const broken = [
    ...(plan ? [] : ["plan differs"]),
    ...(initialWeights ? [] : ["initial weights differ"]),
    ...(frozenWeights ? [] : ["frozen weights differ"]),
  ];
  return broken.length === 0 ? "same data, order, weights" : broken.join("\n");
}

function points(value: number | null): string {
  return value === null ? "–" : `${(value * 100).toFixed(1)} pp`;
}

function lineOf(cell: string, reference: Result, other: Result): string[] {
  const { identity, loss, accuracy, predictions } = compareRuns(reference, other);
  return [
    cell,
    `${other.runner} against ${reference.runner}`,
    identityText(identity),
    `${loss.difference.toExponential(1)} at ${loss.at}`,
    points(accuracy.validation),
    points(accuracy.test),
    `${predictions.equal} of ${predictions.images}`,
  ];
}

/**
 * How far the runners of a sweep are apart, a line for each cell and runner, against the first runner.
 * @returns the table with its heading, or nothing where no cell has two results
 */
export function parityTable(rows: readonly TableRow[]): string {
  const byCell = new Map<string, Result[]>();
  for (const { cell, result } of rows) {
    if (result !== null) byCell.set(cell, [...(byCell.get(cell) ?? []), result]);
  }
  const lines = [...byCell].flatMap(([cell, [reference, ...others]]) =>
    reference === undefined ? [] : others.map((other) => lineOf(cell, reference, other)),
  );
  if (lines.length === 0) return "";
  const table = new Table({
    head: ["group", "runners", "identity", "largest loss difference", "val acc", "test acc", "same predictions"],
    style: { head: [], border: [] },
  });
  table.push(...lines.slice(0, MOST_ROWS));
  return `Parity: how far the runners are apart\n${table.toString()}${moreRows(lines.length)}\n`;
}

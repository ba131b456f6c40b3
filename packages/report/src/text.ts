import { deviceLabel } from "@thaw/core";
import { type ParityReport, RUNG_TITLES, type RungResult } from "@thaw/core/parity";
import Table from "cli-table3";
import { curvePlot, curvesToShow } from "./curve-plot.ts";
import { matrixOf } from "./matrix.ts";
import { outcomeCells } from "./outcome-table.ts";
import { closestLine, missingLines, verdictLine } from "./verdict.ts";
import { cellTitle, driftValue, partOfBound, referenceName, runnerLabel, STATUS_WORDS } from "./wording.ts";

/** Curves that are drawn; the Markdown has more. */
const CURVES = 2;

function matrixCell(cell: RungResult | null): string {
  if (cell === null) return "";
  const word = STATUS_WORDS[cell.status];
  return cell.worst === null ? word : `${word} ${partOfBound(cell.worst)}`;
}

function matrixLines(report: ParityReport): readonly string[] {
  const { rungs, rows } = matrixOf(report);
  if (rows.length === 0) return [];
  const head = ["runner", "depth", ...rungs.map((rung) => `${rung} ${RUNG_TITLES[rung]}`)];
  const table = new Table({ head, style: { head: [], border: [], compact: true } });
  for (const [index, { runner, depth, cells }] of rows.entries()) {
    const isFirst = rows[index - 1]?.runner !== runner;
    table.push([
      isFirst ? runnerLabel(report, runner).replace(", ", "\n") : "",
      depth ?? "any",
      ...cells.map(matrixCell),
    ]);
  }
  const caption = `Against ${referenceName(report)}; the figures are the worst measure as part of its bound.`;
  return [table.toString(), caption];
}

function curveLines(report: ParityReport, width: number): readonly string[] {
  return curvesToShow(report, CURVES).flatMap((cell) => [
    "",
    `${cell.runner}, ${cellTitle(cell)}: parts of the bound`,
    ...curvePlot(cell.curve ?? [], width),
  ]);
}

function outcomeLines({ equivalence }: ParityReport): readonly string[] {
  if (equivalence.length === 0) return [];
  const lines = equivalence.flatMap((outcome) => {
    const [pair, depth, seeds, accuracy, difference, interval, delta, p, verdict, power, needed, same] =
      outcomeCells(outcome);
    return [
      `  ${pair}, depth ${depth}: ${verdict}: ${accuracy}, ${difference} over ${seeds} seeds`,
      `    ${interval} against ${delta}, p ${p}; power ${power}, seeds for 90 %: ${needed}; same predictions: ${same}`,
    ];
  });
  return ["", "L5 outcome, paired TOST on test accuracies:", ...lines];
}

function driftLines({ drift }: ParityReport): readonly string[] {
  if (drift === undefined) return [];
  if (drift.length === 0) return ["", "No drift from the baseline."];
  return [
    "",
    "Drift from the baseline:",
    ...drift.flatMap(({ runner, what, before, now, environmentChanges, ...cell }) => [
      `  ${runner}, ${cellTitle(cell)}: ${what}: ${driftValue(before)} → ${driftValue(now)}`,
      ...environmentChanges.map((change) => `    ${change}`),
    ]),
  ];
}

function environmentLines({ runners, reference }: ParityReport): readonly string[] {
  const all = [{ name: reference.runner, environment: reference.environment }, ...runners];
  const known = new Map(all.map(({ name, environment }) => [name, environment]));
  return [...known].flatMap(([name, environment]) =>
    environment === null ? [] : [`${name}: ${environment.engine} on ${deviceLabel(environment)}`],
  );
}

/**
 * A parity report for a terminal: verdict, matrix, where runners part and how the difference grows there.
 * @param width columns of a curve
 */
export function parityText(report: ParityReport, width = 72): string {
  const lines = [
    verdictLine(report),
    closestLine(report),
    ...matrixLines(report),
    ...missingLines(report),
    ...report.divergences.map(({ sentence }) => `✗ ${sentence}`),
    ...curveLines(report, width),
    ...outcomeLines(report),
    ...driftLines(report),
    "",
    ...environmentLines(report),
  ];
  return `${lines
    .join("\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim()}\n`;
}

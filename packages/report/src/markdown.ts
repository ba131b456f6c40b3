import { deviceLabel, type Environment } from "@thaw/core";
import { type ParityReport, placeText, RUNG_TITLES, type RungResult } from "@thaw/core/parity";
import { curvePlot, curvesToShow } from "./curve-plot.ts";
import { code, folded, markdownTable, plain } from "./markdown-table.ts";
import { matrixOf } from "./matrix.ts";
import { OUTCOME_HEAD, outcomeCells } from "./outcome-table.ts";
import { closestLine, missingLines, verdictLine } from "./verdict.ts";
import {
  againstBound,
  cellTitle,
  driftValue,
  figure,
  partOfBound,
  referenceName,
  runnerLabel,
  STATUS_WORDS,
} from "./wording.ts";

/** Curves that are drawn; a summary has an end. */
const CURVES = 4;

function matrixCell(cell: RungResult | null): string {
  if (cell === null) return "";
  const word = STATUS_WORDS[cell.status];
  const status = cell.status === "fail" ? `**${word}**` : word;
  return cell.worst === null ? status : `${status}<br>${plain(againstBound(cell.worst))}`;
}

function matrixSection(report: ParityReport): string {
  const { rungs, rows } = matrixOf(report);
  const head = ["runner", "depth", ...rungs.map((rung) => `${rung} ${RUNG_TITLES[rung]}`)];
  const lines = rows.map(({ runner, depth, cells }) => [
    plain(runnerLabel(report, runner)),
    depth === null ? "any" : plain(depth),
    ...cells.map(matrixCell),
  ]);
  const missing = missingLines(report).map(plain);
  return [markdownTable(head, lines), ...(missing.length === 0 ? [] : [missing.join("<br>")])].join("\n\n");
}

function divergenceSection(report: ParityReport): string {
  const sentences = report.divergences.map(({ sentence }) => `- ${plain(sentence)}`);
  const plots = curvesToShow(report, CURVES).map((cell) => {
    const title = `Where it grows: ${plain(cell.runner)}, ${plain(cellTitle(cell))}`;
    return folded(title, ["```text", ...curvePlot(cell.curve ?? []), "```"].join("\n"));
  });
  return [...(sentences.length === 0 ? [] : ["### Where they part first", sentences.join("\n")]), ...plots].join(
    "\n\n",
  );
}

function outcomeSection({ equivalence }: ParityReport): string {
  if (equivalence.length === 0) return "";
  const table = markdownTable(
    [...OUTCOME_HEAD],
    equivalence.map((outcome) => outcomeCells(outcome).map(plain)),
  );
  return `### L5 outcome: paired TOST over seeds, test accuracy\n\n${table}`;
}

function driftSection({ drift }: ParityReport): string {
  if (drift === undefined) return "";
  if (drift.length === 0) return "### Drift\n\nNone from the baseline.";
  const rows = drift.map(({ runner, what, before, now, environmentChanges, ...cell }) => [
    plain(runner),
    plain(cellTitle(cell)),
    plain(what),
    plain(driftValue(before)),
    plain(driftValue(now)),
    environmentChanges.map(plain).join("<br>") || "nothing",
  ]);
  const head = ["runner", "verdict", "what", "baseline", "now", "changed beside"];
  return `### Drift from the baseline\n\n${markdownTable(head, rows)}`;
}

function worstSection({ results }: ParityReport): string {
  const rows = results.map((cell) => {
    const { worst, checks, failed, note } = cell;
    return [
      plain(cell.runner),
      plain(cellTitle(cell)),
      ...(worst === null
        ? ["", "", "", "", ""]
        : [figure(worst.value), figure(worst.bound), partOfBound(worst), code(placeText(worst.at)), plain(worst.what)]),
      failed === 0 ? String(checks) : `${checks}, ${failed} beyond`,
      plain(note ?? ""),
    ];
  });
  const head = ["runner", "verdict", "worst", "bound", "part of it", "where", "what", "checks", "note"];
  return folded("Every verdict: worst measure, where, notes", markdownTable(head, rows));
}

function environmentRow(name: string, environment: Environment): readonly string[] {
  const { engine, adapter, settings, versions, platform } = environment;
  const pairs = (values: object): string =>
    Object.entries(values)
      .map(([key, value]) => `${key} ${value}`)
      .join(", ");
  return [
    plain(name),
    plain(engine),
    plain(deviceLabel(environment)),
    plain(adapter?.driver ?? ""),
    plain(pairs(settings)),
    plain(pairs(versions)),
    plain(`${platform.os}, ${platform.arch}, ${platform.cores} processors`),
  ];
}

function environmentSection(report: ParityReport): string {
  const { runners, reference } = report;
  const rows = [
    environmentRow(`${referenceName(report)}, the reference`, reference.environment),
    ...runners.flatMap(({ name, environment }) => (environment === null ? [] : [environmentRow(name, environment)])),
  ];
  const head = ["runner", "engine", "device", "driver", "settings", "versions", "system"];
  return folded("Environments", markdownTable(head, rows));
}

/**
 * A parity report as Markdown for `$GITHUB_STEP_SUMMARY`: the verdict in the first line, then the matrix, then where
 * runners part, then all the rest.
 */
export function parityMarkdown(report: ParityReport): string {
  const { name, specHash, thawVersion, startedAt, wallMs } = report;
  const closest = closestLine(report);
  const seconds = Math.round(wallMs / 1000);
  const sections = [
    `## ${plain(verdictLine(report))}`,
    closest === "" ? "" : plain(closest),
    matrixSection(report),
    divergenceSection(report),
    outcomeSection(report),
    driftSection(report),
    worstSection(report),
    environmentSection(report),
    `${code(name)}, spec ${code(specHash.slice(0, 12))}, Thaw ${plain(thawVersion)}, ${plain(startedAt)}, ${seconds} s`,
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

import { deviceLabel } from "@thaw/core";
import { code, markdownTable, plain } from "../markdown-table.ts";
import { abridgedGroups } from "../rows/abridged.ts";
import { bestRow } from "../rows/best-row.ts";
import { allRows, groupRows, type ReportRow, ratesText } from "../rows/report-rows.ts";
import { paceOf, type Score, scoreOf, trainAccuracyOf, underTrainedRuns } from "../rows/score.ts";
import { verdictLine } from "../verdict.ts";
import { trainingWords } from "../what-trains.ts";
import { bestCaveats, bestReasons, rowWords } from "./best-section.ts";
import { count, lossText, minutesText, percent, percentRange, speedText } from "./figures.ts";
import { seen } from "./markup.ts";
import type { ReportInput } from "./page.ts";
import { countsText } from "./score-cell.ts";

const HEAD = [
  "group, row",
  "what trains",
  "rate, epochs",
  "train",
  "validation",
  "val loss",
  "test",
  "min",
  "img/s",
  "runner, device",
];

function scoreText(score: Score | null): string {
  return score === null
    ? "–"
    : `${percent(score.accuracy)}\n${countsText(score)}\n95 %: ${percentRange(score.interval)}`;
}

function line(row: ReportRow): readonly string[] {
  const [first] = row.runs;
  const validation = scoreOf(row, "validation");
  const pace = paceOf(row);
  const training = first.phases.map((phase) => Object.values(trainingWords(phase)).join("\n")).join("\nthen\n");
  return [
    `${row.group}\n${row.label}`,
    training,
    `${ratesText(row)}\n${count(first.epochs.length, "epoch")}\n${count(row.runs.length, "seed")}`,
    `${percent(trainAccuracyOf(row))}${underTrainedRuns(row) > 0 ? "\nunder-trained" : ""}`,
    scoreText(validation),
    validation === null ? "–" : lossText(validation.loss),
    scoreText(scoreOf(row, "test")),
    minutesText(pace.minutes),
    speedText(pace.imagesPerSecond),
    `${row.runner}\n${deviceLabel(first.environment)}`,
  ].map((text) => plain(seen(text)));
}

/** Results in brief as Markdown, e.g. for `$GITHUB_STEP_SUMMARY`: the best row and why, the table, whether runners agree. */
export function resultsMarkdown({ title, results, parity, thawVersion, madeAt }: ReportInput): string {
  const groups = groupRows(results);
  const best = bestRow(allRows(groups));
  const { groups: some, shown, rows } = abridgedGroups(groups);
  const warnings = new Set(
    results.flatMap((result) => result.warnings.map(({ code: name, message }) => `${name}: ${message}`)),
  );
  const text = (sentence: string): string => plain(seen(sentence));
  const sections = [
    `## ${text(title)}`,
    best === null
      ? "No result has a validation part, so no row can be chosen."
      : `**Best row: ${text(rowWords(best.row))}**\n\n${[...bestReasons(best), ...bestCaveats(best)].map((sentence) => `- ${text(sentence)}`).join("\n")}`,
    markdownTable(HEAD, allRows(some).map(line)),
    shown === rows ? "" : `Of ${rows} rows the ${shown} with the highest validation accuracy.`,
    parity
      .map(
        (report) =>
          `${text(verdictLine(report))}${report.divergences.map(({ sentence }) => `\n- ${text(sentence)}`).join("")}`,
      )
      .join("\n\n"),
    warnings.size === 0 ? "" : `Warnings:\n\n${[...warnings].map((warning) => `- ${text(warning)}`).join("\n")}`,
    `${count(results.length, "run")}, Thaw ${plain(thawVersion)}, ${code(madeAt)}`,
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

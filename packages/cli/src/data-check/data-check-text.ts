import { printable } from "@thaw/core";
import Table from "cli-table3";
import { LINE_WIDTH, wrapped } from "../wrapped-text.ts";
import type { DataCheckReport } from "./data-check-report.ts";
import type { Spread } from "./data-figures.ts";
import type { DataFinding } from "./data-findings.ts";

/** Files and pairs named below a finding; `--json` has all of them. */
const ITEMS_SHOWN = 10;
/** A longer line names a file that lies there many times. */
const ITEM_LENGTH = 200;
const MARKS = { error: "✗ error", warning: "! warning", note: "· note" } as const;

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function classTable({ classes, figures }: DataCheckReport): string {
  const table = new Table({
    head: ["class", "images", "share", "unreadable", "other files"],
    colAligns: ["left", "right", "right", "right", "right"],
    style: { head: [], border: [], compact: true },
  });
  for (const { name, images, unreadable, otherFiles } of classes) {
    const share = figures.images === 0 ? "–" : percent(images / figures.images);
    table.push([printable(name), images, share, unreadable || "", otherFiles.length || ""]);
  }
  return table.toString();
}

function spreadText(spread: Spread | null, digits: number): string {
  if (spread === null) return "–";
  const { min, median, max } = spread;
  return `min ${min.toFixed(digits)}, median ${median.toFixed(digits)}, max ${max.toFixed(digits)}`;
}

function figureLines({ figures, imageSize, nearDuplicates, duplicates, nearBits, series }: DataCheckReport): string[] {
  const { imbalance } = figures;
  const copies = duplicates.reduce((sum, { paths }) => sum + paths.length - 1, 0);
  const near = nearDuplicates.withinClasses + nearDuplicates.acrossClasses;
  const rows: [string, string][] = [
    [
      "largest ÷ smallest",
      imbalance === null
        ? "–"
        : `${imbalance.ratio.toFixed(1)}; always saying "${printable(imbalance.largest)}" is ${percent(imbalance.baseline)} accuracy`,
    ],
    ["width, px", spreadText(figures.width, 0)],
    ["height, px", spreadText(figures.height, 0)],
    ["width ÷ height", spreadText(figures.aspectRatio, 2)],
    [`below ${imageSize} px`, `${figures.enlarged} of ${figures.images} images; these are enlarged`],
    ["formats", figures.formats.map(({ format, images }) => `${format} ${images}`).join(", ") || "–"],
    ["EXIF orientation", `turns ${figures.turned} of ${figures.images} images as they are read`],
    ["groups", series === null ? "none: no class has folders inside" : `${series} by the folders inside of classes`],
    ["the same file again", `${copies}`],
    ["near-duplicates", `${near} pairs within ${nearBits} of 64 bits`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width + 2)}${value}`);
}

function itemLine(item: string): string {
  const line = printable(item);
  return `    ${line.length > ITEM_LENGTH ? `${line.slice(0, ITEM_LENGTH)} …` : line}`;
}

/** A finding as lines: what is so, what to do, which files. */
export function findingLines({ severity, code, message, advice, items }: DataFinding): string[] {
  const shown = items.slice(0, ITEMS_SHOWN).map(itemLine);
  const more = items.length > ITEMS_SHOWN ? [`    … and ${items.length - ITEMS_SHOWN} more (--json has all)`] : [];
  const said = wrapped(`${MARKS[severity]} (${code}): ${printable(message)}`, LINE_WIDTH);
  const toDo = wrapped(`do: ${printable(advice)}`, LINE_WIDTH - 2).map((line) => `  ${line}`);
  return [...said, ...toDo, ...shown, ...more];
}

function verdictLine({ trainable, findings }: DataCheckReport): string {
  const count = (severity: DataFinding["severity"]): string => {
    const found = findings.filter((finding) => finding.severity === severity).length;
    return `${found} ${severity}${found === 1 ? "" : "s"}`;
  };
  const said = `${count("error")}, ${count("warning")}, ${count("note")}`;
  return trainable ? `This can be trained on: ${said}.` : `This cannot be trained on: ${said}.`;
}

/** The report as a person reads it; no name can move the cursor or colour the terminal. */
export function dataCheckText(report: DataCheckReport): string {
  const { folder, figures, findings } = report;
  const title = `${printable(folder)}: ${figures.images} images in ${figures.classes.length} classes`;
  const found = findings.flatMap((finding) => [...findingLines(finding), ""]);
  return [title, classTable(report), ...figureLines(report), "", ...found, verdictLine(report), ""].join("\n");
}

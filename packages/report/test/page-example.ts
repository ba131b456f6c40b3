import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Result } from "@thaw/core";
import { type ReportInput, reportPage } from "../src/index.ts";
import { badReport } from "./report-example.ts";
import { exampleResults } from "./results-example.ts";

/** A JPEG of one pixel. */
const PIXEL =
  "data:image/jpeg;base64,/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA=";

/** Names that try to be more than names. */
export const HOSTILE = {
  title: '</title><script>window.hacked="title"</script>',
  classes: [
    '<img src=x onerror="window.hacked=1">',
    "a\"b'c&amp;",
    "\u202Etxet",
    "two\nlines",
    "=1+1",
    "</style></table>",
  ],
} as const;

/** Gives results other class names, also where photos are called by them. */
export function renamed(results: readonly Result[], classes: readonly string[]): Result[] {
  return results.map((result) => ({ ...result, data: { ...result.data, classes } }));
}

/** A report of everything that a report can show. */
export function fullInput(results: readonly Result[] = exampleResults()): ReportInput {
  const [id = ""] = results[0]?.data.heldOut?.validation.ids ?? [];
  const speed = { median: 149, low: 120, high: 160 };
  const point = { subject: "node", device: "AMD EPYC", depth: "0", batchSize: 32, samples: 3 };
  return {
    title: "Shoes",
    madeAt: "2026-11-26T18:00:00.000Z",
    thawVersion: "0.1.0",
    results,
    parity: [badReport()],
    speed: {
      title: "A bench",
      points: [
        { ...point, imagesPerSecond: speed, ofRoofs: { matmul: 0.3, copy: 0.4 } },
        { ...point, subject: "keras-fit", imagesPerSecond: { median: 60, low: 50, high: 70 }, ofRoofs: null },
      ],
      roofs: [{ depth: "0", batchSize: 32, matmul: 485, copy: 380 }],
      notes: ["pytorch is missing: not installed"],
    },
    photos: { kind: "shown", images: new Map([[id, PIXEL]]), missing: new Map() },
  };
}

/** Writes a report to a temporary file. */
export async function pageFile(input: ReportInput): Promise<string> {
  const file = join(mkdtempSync(join(tmpdir(), "thaw-report-")), "report.html");
  writeFileSync(file, await reportPage(input));
  return file;
}

import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { ThawError } from "@thaw/core";
import type { ParityReport } from "@thaw/core/parity";
import { parityJunit, parityMarkdown } from "@thaw/report";

/** Where a report goes beside its folder. */
export interface ReportTargets {
  readonly outDir: string;
  readonly junit?: string | undefined;
  /** Is added to, as CI's step summary wants it. */
  readonly summary?: string | undefined;
}

/** Writes a file that is not there yet. */
async function writeNew(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: "wx" });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw new ThawError("result-unwritable", `${file} cannot be written: ${(cause as Error).message}.`, {
      hint: "Check the folder's rights and the free space, or choose another with --out.",
      cause,
    });
  }
}

/** Writes a text as `parity.md`, or where that is there as `parity.2.md`, and so on. */
async function writeNumbered(folder: string, ending: string, text: string): Promise<string> {
  for (let count = 1; ; count += 1) {
    const file = join(folder, count === 1 ? `parity.${ending}` : `parity.${count}.${ending}`);
    if (await writeNew(file, text)) return file;
  }
}

/**
 * Writes a report as JSON, Markdown and JUnit; never over an earlier one.
 * @returns the JSON file
 */
export async function writeReport(report: ParityReport, { outDir, junit, summary }: ReportTargets): Promise<string> {
  await mkdir(outDir, { recursive: true });
  const markdown = parityMarkdown(report);
  const xml = parityJunit(report);
  const file = await writeNumbered(outDir, "json", `${JSON.stringify(report, null, 1)}\n`);
  await writeNumbered(outDir, "md", markdown);
  await writeNumbered(outDir, "junit.xml", xml);
  if (junit !== undefined) {
    await mkdir(dirname(resolve(junit)), { recursive: true });
    if (!(await writeNew(junit, xml))) {
      throw new ThawError("result-exists", `${junit} exists; results are never overwritten.`, {
        hint: "Choose another file for --junit.",
      });
    }
  }
  if (summary !== undefined) await appendFile(summary, `${markdown}\n`);
  return file;
}

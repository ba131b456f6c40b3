import { readFile } from "node:fs/promises";
import { FORMATS, parseJson, shapeProblem, ThawError, upgraded } from "@thaw/core";
import { writeWholeFile } from "../whole-file.ts";
import { type BenchReport, benchReport } from "./bench-report.ts";

const HINT = "Give a file that `thaw bench --out` has written.";

function invalid(file: string, what: string, cause?: unknown): ThawError {
  return new ThawError("bench-invalid", `${file}: ${what}.`, { hint: HINT, cause });
}

/**
 * Reads a recording.
 * @throws ThawError `bench-invalid`, `version-newer`
 */
export async function readBenchReport(file: string): Promise<BenchReport> {
  let document: unknown;
  try {
    document = parseJson(await readFile(file, "utf8"));
  } catch (cause) {
    const absent = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw invalid(file, absent ? "there is no such file" : `no valid JSON (${(cause as Error).message})`, cause);
  }
  const parsed = benchReport.safeParse(upgraded(FORMATS.benchReport, document, file));
  if (parsed.success) return parsed.data;
  throw invalid(file, `no recording of a benchmark: ${shapeProblem(parsed.error)}`);
}

/** A list with an entry a line: a recording is read by people, and a diff shows what came and went. */
function lines(entries: readonly unknown[]): string {
  return entries.length === 0 ? "[]" : `[\n${entries.map((entry) => `  ${JSON.stringify(entry)}`).join(",\n")}\n ]`;
}

function textOf(report: BenchReport): string {
  const fields = Object.entries(report).map(([key, value]) => {
    const text = Array.isArray(value) ? lines(value) : JSON.stringify(value);
    return ` ${JSON.stringify(key)}: ${text}`;
  });
  return `{\n${fields.join(",\n")}\n}\n`;
}

/**
 * Writes a recording whole or not at all.
 * @param force whether an earlier file may be replaced
 * @throws ThawError `result-exists`, `result-unwritable`
 */
export async function writeBenchReport(file: string, report: BenchReport, force: boolean): Promise<void> {
  const hint = "Choose another file for --out, or give --force.";
  const refusal = "recordings are not overwritten";
  await writeWholeFile(file, textOf(report), { earlier: force ? "replace" : "refuse", refusal, hint });
}

import { readFile } from "node:fs/promises";
import { FORMATS, parseJson, shapeProblem, ThawError, upgraded } from "@thaw/core";
import type { ParityReport } from "@thaw/core/parity";
import { parityReportShape } from "./parity/report-shape.ts";
import { writeWholeFile } from "./whole-file.ts";

const HINT = "Record a new one: thaw parity … --baseline FILE --update-baseline.";

function invalid(file: string, what: string, cause?: unknown): ThawError {
  return new ThawError("baseline-invalid", `${file}: ${what}.`, { hint: HINT, cause });
}

async function readJson(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    const isAbsent = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw invalid(file, isAbsent ? "there is no such file" : (cause as Error).message, cause);
  }
  try {
    return parseJson(text);
  } catch (cause) {
    throw invalid(file, `no valid JSON (${(cause as Error).message})`, cause);
  }
}

/**
 * Reads a recorded report.
 * @param specHash of the experiment that it is to be compared with
 * @throws ThawError `baseline-invalid`: no such file, no JSON, no report, of another experiment; `version-newer`
 */
export async function readBaseline(file: string, specHash: string): Promise<ParityReport> {
  const document = upgraded(FORMATS.parityReport, await readJson(file), file);
  const parsed = parityReportShape.safeParse(document);
  if (!parsed.success) throw invalid(file, `no parity report: ${shapeProblem(parsed.error)}`);
  if (parsed.data.specHash !== specHash) {
    const [found, expected] = [parsed.data.specHash, specHash].map((hash) => hash.slice(0, 12));
    throw invalid(file, `a report of another experiment, "${parsed.data.name}" (spec ${found}, here ${expected})`);
  }
  const { drift: _drift, ...recorded } = parsed.data;
  return recorded;
}

/**
 * Records a report as the baseline, in the place of an earlier one: whole, or not at all. Its own drift is left out.
 * @throws ThawError `result-unwritable`
 */
export async function writeBaseline(file: string, { drift: _drift, ...recorded }: ParityReport): Promise<void> {
  await writeWholeFile(file, `${JSON.stringify(recorded, null, 1)}\n`, {
    earlier: "replace",
    hint: "Check the folder's rights and the free space, or choose another file for --baseline.",
  });
}

import { existsSync } from "node:fs";
import { join } from "node:path";
import { type ContactSheet, contactSheet, type FolderSurvey } from "@thaw/assets";
import { ThawError } from "@thaw/core";
import { writeWholeFile } from "../whole-file.ts";
import type { DataCheckReport } from "./data-check-report.ts";

/** Where a check leaves its files. */
export interface DataCheckPaths {
  readonly report?: string;
  readonly sheet?: string;
}

const TAKEN = {
  earlier: "refuse",
  refusal: "what is there is never overwritten",
  takenHint: "Choose another name with --out or --contact-sheet, or remove it.",
  hint: "Check the folder's rights and the free space, or choose another with --out or --contact-sheet.",
} as const;

/**
 * Names the files, and looks before anything is read whether one is in the way.
 * @param out folder for the report and, unless `sheet` names another file, the contact sheet
 * @throws ThawError `result-exists`
 */
export function dataCheckPaths(out: string | undefined, sheet: string | undefined): DataCheckPaths {
  const sheetPath = sheet ?? (out === undefined ? undefined : join(out, "contact-sheet.png"));
  const paths = {
    ...(out === undefined ? {} : { report: join(out, "data-check.json") }),
    ...(sheetPath === undefined ? {} : { sheet: sheetPath }),
  };
  for (const path of Object.values(paths)) {
    if (!existsSync(path)) continue;
    throw new ThawError("result-exists", `${path} exists; ${TAKEN.refusal}.`, { hint: TAKEN.takenHint });
  }
  return paths;
}

/** Says what a sheet shows. */
function sheetNote(path: string, { images, classes, width, height }: ContactSheet): string {
  return `Contact sheet: ${path} (${images} images of ${classes} classes, ${width}×${height} px)`;
}

/**
 * Writes what was asked for, whole and never over another file.
 * @returns a sentence a file
 * @throws ThawError `result-exists`, `result-unwritable`
 */
export async function writeDataCheck(
  paths: DataCheckPaths,
  report: DataCheckReport,
  survey: FolderSurvey,
): Promise<readonly string[]> {
  const said: string[] = [];
  if (paths.report !== undefined) {
    await writeWholeFile(paths.report, `${JSON.stringify(report, null, 2)}\n`, TAKEN);
    said.push(`Report: ${paths.report}`);
  }
  if (paths.sheet !== undefined && survey.images.length > 0) {
    const sheet = await contactSheet(survey);
    await writeWholeFile(paths.sheet, sheet.png, TAKEN);
    said.push(sheetNote(paths.sheet, sheet));
  }
  return said;
}

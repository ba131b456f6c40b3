import { surveyFolder } from "@thaw/assets";
import { printable } from "@thaw/core";
import { dataCheckPaths, writeDataCheck } from "../data-check/data-check-files.ts";
import { type DataCheckReport, dataCheckReport } from "../data-check/data-check-report.ts";
import { dataCheckText } from "../data-check/data-check-text.ts";
import { surveyProgress } from "../data-check/survey-progress.ts";
import { EXIT } from "../exit-code.ts";
import { wholeNumber } from "../whole-number.ts";

/** Options of `thaw data check`. */
export interface DataCheckOptions {
  readonly json: boolean;
  readonly strict: boolean;
  readonly imageSize: string;
  readonly near: string;
  readonly out?: string;
  readonly contactSheet?: string;
}

function exitCode({ trainable, findings }: DataCheckReport, strict: boolean): number {
  if (!trainable) return EXIT.badInput;
  return strict && findings.some(({ severity }) => severity === "warning") ? EXIT.dataDoubtful : EXIT.fine;
}

/**
 * `thaw data check DIR`: what lies in a folder of photos, what is wrong with it, and what to do about that.
 * @returns the exit code: 2 where the folder cannot be trained on; with --strict 1 where there are warnings
 */
export async function dataCheckCommand(folder: string, options: DataCheckOptions): Promise<number> {
  const imageSize = wholeNumber("--image-size", options.imageSize, 32, 1024);
  const nearBits = wholeNumber("--near", options.near, 0, 32);
  const paths = dataCheckPaths(options.out, options.contactSheet);
  const progress = surveyProgress(process.stderr);
  const survey = await surveyFolder(folder, { nearBits, onProgress: progress.update }).finally(progress.close);
  const report = dataCheckReport(survey, imageSize);
  process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : dataCheckText(report));
  for (const note of await writeDataCheck(paths, report, survey)) process.stderr.write(`${printable(note)}\n`);
  return exitCode(report, options.strict);
}

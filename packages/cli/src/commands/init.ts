import { existsSync } from "node:fs";
import { surveyFolder, weightsHere } from "@thaw/assets";
import { checkGroups, MOBILENET_V2_ALPHAS, parseSpec, parseSweep, printable, ThawError } from "@thaw/core";
import { type DataCheckReport, dataCheckReport } from "../data-check/data-check-report.ts";
import { surveyProgress } from "../data-check/survey-progress.ts";
import { experimentName, initPaths, seenFromSpec, writeInitFiles } from "../init/init-files.ts";
import { type InitStory, initMarkdown, initText } from "../init/init-text.ts";
import { photoSetOf } from "../init/photo-set.ts";
import { chooseSpec, type ModelChoice } from "../init/spec-choices.ts";
import { chooseSweep } from "../init/sweep-choices.ts";
import { weightsNote } from "../init/weights-note.ts";
import { wholeNumber } from "../whole-number.ts";

/** Options of `thaw init`. */
export interface InitOptions {
  readonly sweep: boolean;
  readonly imageSize: string;
  readonly alpha: string;
  readonly weights: string;
  readonly out?: string;
  readonly name?: string;
}

/** @throws ThawError `option-invalid` */
function modelChoice(options: InitOptions, specFile: string): ModelChoice {
  const alpha = MOBILENET_V2_ALPHAS.find((known) => known === Number(options.alpha));
  if (alpha === undefined) {
    throw new ThawError("option-invalid", `--alpha: "${options.alpha}" is no width of MobileNetV2.`, {
      hint: `Use one of ${MOBILENET_V2_ALPHAS.join(", ")}.`,
    });
  }
  const { weights } = options;
  return {
    alpha,
    imageSize: wholeNumber("--image-size", options.imageSize, 32, 1024),
    weights: existsSync(weights) ? seenFromSpec(weights, specFile) : weights,
  };
}

/** @throws ThawError `data-untrainable`, with the reasons that `thaw data check` gives */
function requireTrainable(folder: string, { trainable, findings }: DataCheckReport): void {
  if (trainable) return;
  const errors = findings.filter(({ severity }) => severity === "error");
  const reasons = errors.map(({ message, items }) => {
    return items.length === 0 ? message : `${message} These: ${items.slice(0, 10).join(", ")}.`;
  });
  throw new ThawError("data-untrainable", `${folder} cannot be trained on. ${reasons.join(" ")}`, {
    hint: `${errors.map(({ advice }) => advice).join(" ")} \`thaw data check\` says more.`,
  });
}

function json(document: unknown): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** `thaw init DIR`: writes a spec and a sweep for a folder of photos, with the reason for every default. */
export async function initCommand(folder: string, options: InitOptions): Promise<void> {
  const name = experimentName(options.name, folder);
  const paths = initPaths(options.out, name, options.sweep);
  const model = modelChoice(options, paths.spec);
  const progress = surveyProgress(process.stderr);
  const survey = await surveyFolder(folder, { onProgress: progress.update }).finally(progress.close);
  const report = dataCheckReport(survey, model.imageSize);
  requireTrainable(folder, report);
  const set = photoSetOf(survey);
  const chosen = chooseSpec(set, model, { name, dataPath: seenFromSpec(folder, paths.spec) });
  const sweep = chooseSweep(chosen, `${name}-sweep`);
  parseSpec(chosen.spec, { where: paths.spec });
  checkGroups(parseSweep(sweep.sweep, { where: paths.sweep ?? paths.spec }));
  const story: InitStory = {
    name,
    folder,
    report,
    paths,
    spec: chosen.choices,
    sweep: sweep.choices,
    weights: printable(weightsNote(model, await weightsHere(process.env))),
  };
  await writeInitFiles(
    new Map([
      [paths.spec, json(chosen.spec)],
      ...(paths.sweep === undefined ? [] : ([[paths.sweep, json(sweep.sweep)]] as const)),
      [paths.explanation, initMarkdown(story)],
    ]),
  );
  process.stdout.write(initText(story));
}

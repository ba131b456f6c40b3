import { findImages } from "@thaw/assets";
import { deviceLabel, printable, resizeOf, ThawError, writeSafetensors } from "@thaw/core";
import { EXIT } from "../exit-code.ts";
import { onInterrupt } from "../interrupt.ts";
import { answerJson, answerTable } from "../predict/answer-text.ts";
import { answers } from "../predict/answers.ts";
import { findRunner } from "../registry.ts";
import { refuseSoftware } from "../required-runner.ts";
import { readModelFile } from "../saved-model-file.ts";
import { parseSettings } from "../settings.ts";

/** Options of `thaw predict`. */
export interface PredictCommandOptions {
  readonly top: string;
  readonly batch: string;
  readonly json: boolean;
  readonly runner: string;
  readonly resize?: string;
  readonly set: readonly string[];
  readonly requireHardware: boolean;
}

/** What a batch may take: an imported model has no spec that says it. */
const STEP_LIMIT_SECONDS = 600;
const RESIZE = ["stretch", "crop", "pad"] as const;

function countOf(option: string, text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new ThawError("option-invalid", `${option} ${text}: expected a whole number above 0.`);
}

function resizeRule(asked: string | undefined, trained: (typeof RESIZE)[number] | undefined): (typeof RESIZE)[number] {
  const rule = asked === undefined ? trained : RESIZE.find((name) => name === asked);
  if (rule !== undefined) return rule;
  const message =
    asked === undefined
      ? "The model was trained on tensors: how photos of another shape become square is not in its record."
      : `--resize ${asked}: there is no such rule.`;
  throw new ThawError("option-invalid", message, { hint: `Use --resize ${RESIZE.join(", ")}.` });
}

/**
 * `thaw predict MODEL IMG…`: the likeliest classes of images.
 * @returns 2 where an image could not be read; the others are answered all the same
 */
export async function predictCommand(
  modelFile: string,
  paths: readonly string[],
  options: PredictCommandOptions,
): Promise<number> {
  const top = countOf("--top", options.top);
  const batchSize = countOf("--batch", options.batch);
  const { record, weights } = await readModelFile(modelFile);
  const resize = resizeRule(options.resize, resizeOf(record));
  const { classes } = record.data;
  const runner = await findRunner(options.runner);
  const settings = parseSettings(options.set, [runner.name])(runner.name);
  const files = await findImages(paths);
  const table = answerTable(
    files.map(({ name }) => name),
    classes,
  );
  const request = {
    model: record.spec.model,
    classCount: classes.length,
    ...("config" in record && record.config !== undefined ? { config: record.config } : {}),
    weights: writeSafetensors(weights),
    stepLimitSeconds: "stepLimitSeconds" in record.spec ? record.spec.stepLimitSeconds : STEP_LIMIT_SECONDS,
  };
  const interrupt = onInterrupt(process.stderr);
  const unread: string[] = [];
  try {
    const said = answers(runner, request, files, {
      settings,
      signal: interrupt.signal,
      imageSize: record.spec.model.imageSize,
      resize,
      batchSize,
      top,
      onStart(environment) {
        if (options.requireHardware) refuseSoftware(environment);
        process.stderr.write(`${environment.engine} on ${deviceLabel(environment)}\n`);
        if (!options.json) process.stdout.write(`${table.head}\n`);
      },
    });
    for await (const answer of said) {
      const lines = options.json ? [answerJson(answer, classes)] : table.lines(answer);
      process.stdout.write(`${lines.join("\n")}\n`);
      if ("problem" in answer) unread.push(`${printable(answer.file)} (${printable(answer.problem)})`);
    }
  } finally {
    await runner.close?.();
    interrupt.dispose();
  }
  if (unread.length === 0) return EXIT.fine;
  process.stderr.write(`${unread.length} of ${files.length} images cannot be read:\n`);
  for (const line of unread) process.stderr.write(`  ${line}\n`);
  return EXIT.badInput;
}

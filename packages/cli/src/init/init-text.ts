import { printable } from "@thaw/core";
import { code, markdownTable, plain } from "@thaw/report";
import type { DataCheckReport } from "../data-check/data-check-report.ts";
import { findingLines } from "../data-check/data-check-text.ts";
import { LINE_WIDTH, wrapped } from "../wrapped-text.ts";
import type { InitPaths } from "./init-files.ts";
import type { Choice } from "./spec-choices.ts";

/** All that there is to say about a new spec. */
export interface InitStory {
  readonly name: string;
  /** As it was given. */
  readonly folder: string;
  readonly report: DataCheckReport;
  readonly paths: InitPaths;
  readonly spec: readonly Choice[];
  /** Empty without a sweep. */
  readonly sweep: readonly Choice[];
  /** Where the weights are, or that they have to come. */
  readonly weights: string;
}

function choiceLines({ field, value, why }: Choice): string[] {
  const reasons = wrapped(why, LINE_WIDTH - 4).map((line) => `    ${line}`);
  return [`  ${field}: ${printable(value)}`, ...reasons];
}

/** An argument as a shell takes it. */
function shellWord(text: string): string {
  return /^[A-Za-z0-9_./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** The commands that come next, in order, each with what it is for. */
function nextSteps({ folder, paths }: InitStory): readonly (readonly [command: string, purpose: string])[] {
  const { spec, sweep } = paths;
  const beside = (end: string): string => shellWord(spec.replace(/\.json$/, end));
  const model = beside(".model.safetensors");
  return [
    [`thaw data check ${shellWord(folder)} --contact-sheet ${beside(".png")}`, "look at the photos, class by class"],
    [`thaw run ${shellWord(spec)} --save-model ${model}`, "train once, and keep the model"],
    [`thaw sweep ${shellWord(spec)} --seed 0,1,2,3,4`, "the same on five splits: how much of it is chance"],
    ...(sweep === undefined
      ? []
      : ([[`thaw sweep ${shellWord(sweep)}`, "how much to freeze, and with what learning rate"]] as const)),
    ["thaw report results", "the results on one page, to decide by"],
    [`thaw predict ${model} NEW_PHOTOS`, "name new photos with the trained model"],
    [`thaw export ${model} --to keras,tfjs,onnx --out DIR`, "the model for Keras, TensorFlow.js and ONNX"],
  ];
}

function stepLines(story: InitStory): string[] {
  const steps = nextSteps(story).map(([command, purpose]) => [printable(command), purpose] as const);
  const width = Math.max(...steps.map(([command]) => command.length));
  return steps.map(([command, purpose]) => `  ${command.padEnd(width)}  # ${purpose}`);
}

function setLine({ report: { figures } }: InitStory): string {
  const smallest = Math.min(...figures.classes.map(({ images }) => images));
  const baseline = ((figures.imbalance?.baseline ?? 0) * 100).toFixed(1);
  return `${figures.images} images in ${figures.classes.length} classes, ${smallest} in the smallest; always naming the largest class would be ${baseline} % accuracy`;
}

/** What `thaw init` prints. */
export function initText(story: InitStory): string {
  const { folder, report, paths, spec, sweep, weights } = story;
  const warnings = report.findings.filter(({ severity }) => severity === "warning");
  const written = [paths.spec, paths.sweep, paths.explanation].flatMap((path) =>
    path === undefined ? [] : [`  ${printable(path)}`],
  );
  return [
    `${printable(folder)}: ${setLine(story)}`,
    "",
    ...warnings.flatMap((finding) => [...findingLines(finding), ""]),
    `What ${printable(paths.spec)} says, and why:`,
    ...spec.flatMap(choiceLines),
    "",
    ...(paths.sweep === undefined
      ? []
      : [`What ${printable(paths.sweep)} varies, and why:`, ...sweep.flatMap(choiceLines), ""]),
    ...wrapped(weights, LINE_WIDTH),
    "",
    "Written:",
    ...written,
    "",
    "Next:",
    ...stepLines(story),
    "",
  ].join("\n");
}

/** The same as a page to keep beside the spec. */
export function initMarkdown(story: InitStory): string {
  const { name, report, paths, spec, sweep, weights } = story;
  const choices = (list: readonly Choice[]): string =>
    markdownTable(
      ["field", "value", "why"],
      list.map(({ field, value, why }) => [code(field), plain(printable(value)), plain(why)]),
    );
  const classes = markdownTable(
    ["class", "images"],
    report.figures.classes.map((one) => [plain(printable(one.name)), String(one.images)]),
  );
  const findings = report.findings.map(
    ({ severity, message, advice }) => `- ${severity}: ${plain(printable(message))} ${plain(printable(advice))}`,
  );
  const parts = [
    `# ${name}`,
    `${setLine(story)}. Written by \`thaw init\`; change the JSON files as you like.`,
    classes,
    ...(findings.length === 0 ? [] : ["## What `thaw data check` says", findings.join("\n")]),
    `## What the spec says, and why`,
    choices(spec),
    ...(paths.sweep === undefined ? [] : ["## What the sweep varies, and why", choices(sweep)]),
    plain(weights),
    "## Next",
    `\`\`\`\n${stepLines(story).join("\n")}\n\`\`\``,
  ];
  return `${parts.join("\n\n")}\n`;
}

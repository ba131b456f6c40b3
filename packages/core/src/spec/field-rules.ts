import { alphasOf } from "../model/architectures.ts";
import type { LearningRateSpec, Spec } from "./schema.ts";

/** A broken rule: the path of the field to change and what is wrong with it. */
export interface BrokenRule {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

function scheduleProblems(rate: LearningRateSpec, path: BrokenRule["path"]): readonly BrokenRule[] {
  if (typeof rate === "number" || rate.schedule !== "piecewise") return [];
  const { boundaries, values } = rate;
  const problems: BrokenRule[] = [];
  if (values.length !== boundaries.length + 1) {
    const message = `has ${values.length} values for ${boundaries.length} boundaries; expected one more than boundaries`;
    problems.push({ path: [...path, "values"], message });
  }
  if (boundaries.some((boundary, index) => index > 0 && boundary <= (boundaries[index - 1] ?? 0))) {
    problems.push({ path: [...path, "boundaries"], message: "must increase" });
  }
  return problems;
}

function modelProblems({ architecture, alpha, config, preprocessing }: Spec["model"]): readonly BrokenRule[] {
  const problems: BrokenRule[] = [];
  const alphas = alphasOf(architecture);
  if (alpha !== undefined && alphas?.includes(alpha) !== true) {
    const message =
      alphas === undefined
        ? `${architecture} has no width multiplier; leave it out`
        : `expected ${alphas.join(", ")} for ${architecture}; found ${alpha}`;
    problems.push({ path: ["model", "alpha"], message });
  }
  const isKeras = architecture === "keras";
  if (isKeras && config === undefined) {
    const message = 'is missing; architecture "keras" needs the path of a config.json or .keras file';
    problems.push({ path: ["model", "config"], message });
  }
  for (const [field, value] of Object.entries({ config, preprocessing })) {
    if (isKeras || value === undefined) continue;
    const message = `goes with architecture "keras" alone; ${architecture} has its own`;
    problems.push({ path: ["model", field], message });
  }
  return problems;
}

/** Rules between fields, which a schema of single fields cannot say. */
export function brokenRules(spec: Spec): readonly BrokenRule[] {
  const problems: BrokenRule[] = [...modelProblems(spec.model)];
  if (spec.phases !== undefined && spec.epochs !== 1) {
    const message = "stands beside phases; give each phase its epochs and leave this out";
    problems.push({ path: ["epochs"], message });
  }
  problems.push(...scheduleProblems(spec.optimizer.learningRate, ["optimizer", "learningRate"]));
  for (const [index, { optimizer }] of (spec.phases ?? []).entries()) {
    if (optimizer === undefined) continue;
    problems.push(...scheduleProblems(optimizer.learningRate, ["phases", index, "optimizer", "learningRate"]));
  }
  if (spec.earlyStopping?.monitor.startsWith("validation") && spec.split.validation === 0) {
    const message = `is "${spec.earlyStopping.monitor}" but split.validation is 0; monitor "loss" or hold images out`;
    problems.push({ path: ["earlyStopping", "monitor"], message });
  }
  if (spec.split.by === "group" && spec.data.kind === "tensors") {
    const message = 'is "group" but data of kind "tensors" knows no groups; use "last" or "stratified"';
    problems.push({ path: ["split", "by"], message });
  }
  if (spec.data.kind === "tensors" && new Set(spec.data.classes).size !== spec.data.classes.length) {
    problems.push({ path: ["data", "classes"], message: "names a class twice" });
  }
  return problems;
}

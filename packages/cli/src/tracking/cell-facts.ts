import { freezeLabel, initialLearningRate } from "@thaw/core";
import { whatTrains } from "../table.ts";
import type { TrackedCell } from "./tracker.ts";

type Phase = TrackedCell["phases"][number];

/** One value where all phases have the same, else one a phase. */
function ofPhases(phases: readonly Phase[], text: (phase: Phase) => string): string {
  const texts = phases.map(text);
  return new Set(texts).size === 1 ? (texts[0] ?? "") : texts.join(", then ");
}

/** What trains in a phase, in one line. */
export function trainsText(phase: Phase): string {
  return whatTrains(phase).replaceAll("\n", ", ");
}

/** A freeze policy as a person wrote it. */
export function freezeText(freeze: Phase["freeze"]): string {
  return Array.isArray(freeze) ? JSON.stringify(freeze) : freezeLabel(freeze);
}

function rateText({ optimizer: { learningRate } }: Phase): string {
  return typeof learningRate === "number" ? String(learningRate) : JSON.stringify(learningRate);
}

function hasSchedule({ optimizer }: Phase): boolean {
  return typeof optimizer.learningRate !== "number";
}

/** What decides a cell's numbers, as names and values for pages that compare runs. */
export function cellFacts(cell: TrackedCell): Readonly<Record<string, string | number | boolean>> {
  const { spec, phases, data, sweep } = cell;
  const rates = phases.map(({ optimizer }) => initialLearningRate(optimizer.learningRate));
  return {
    ...(sweep === null ? {} : { sweep: sweep.name, group: sweep.group, label: sweep.label }),
    experiment: spec.name,
    runner: cell.runner,
    trains: ofPhases(phases, trainsText),
    freeze: ofPhases(phases, ({ freeze }) => freezeText(freeze)),
    trainable_params: ofPhases(phases, ({ trainable }) => String(trainable.params)),
    learning_rate: new Set(rates).size === 1 ? (rates[0] ?? 0) : ofPhases(phases, rateText),
    ...(phases.some(hasSchedule) ? { learning_rate_schedule: ofPhases(phases, rateText) } : {}),
    optimizer: ofPhases(phases, ({ optimizer }) => optimizer.name),
    batch_size: spec.batchSize,
    epochs: cell.epochs,
    seed: spec.seed,
    model: [spec.model.architecture, spec.model.alpha].filter((part) => part !== undefined).join(" "),
    image_size: spec.model.imageSize,
    weights: cell.weights.source,
    dropout: spec.model.head.dropout,
    batch_norm: spec.batchNorm,
    frozen_batch_norm: spec.frozenBatchNorm,
    horizontal_flip: spec.augmentation.horizontalFlip,
    max_shift: spec.augmentation.maxShift,
    data: data.source,
    train_images: data.train,
    validation_images: data.validation,
    test_images: data.test,
    spec_hash: cell.specHash,
    plan_hash: cell.planHash,
    ...Object.fromEntries(Object.entries(cell.settings).map(([key, value]) => [`setting.${key}`, value])),
  };
}

import { deviceLabel, initialLearningRate, type PhaseSummary, type RunRecord } from "@thaw/core";
import { code, percent, plain, table } from "./markdown.ts";

/** Runs of layers that are treated alike, first and last of each. */
function treatmentRows({ layers }: PhaseSummary): string[][] {
  const rows: { from: string; to: string; count: number; rate: number; params: number }[] = [];
  for (const { name, lrMultiplier, params, trainableParams } of layers) {
    if (params === 0) continue; // nothing to train or to freeze
    const rate = trainableParams > 0 ? lrMultiplier : 0;
    const last = rows.at(-1);
    if (last?.rate === rate) Object.assign(last, { to: name, count: last.count + 1, params: last.params + params });
    else rows.push({ from: name, to: name, count: 1, rate, params });
  }
  return rows.map(({ from, to, count, rate, params }) => [
    from === to ? code(from) : `${code(from)} … ${code(to)}`,
    String(count),
    String(params),
    rate === 0 ? "frozen" : rate === 1 ? "trained" : `trained at ${rate} × the rate`,
  ]);
}

/** What trained, phase by phase. */
export function whatTrained({ phases }: RunRecord): string {
  return phases
    .map((phase) => {
      const { name, epochs, optimizer, trainable, layers } = phase;
      const modes = layers.filter(({ batchNormMode }) => batchNormMode !== null);
      const batch = modes.filter(({ batchNormMode }) => batchNormMode === "batch-stats").length;
      const rate = initialLearningRate(optimizer.learningRate);
      return [
        `Phase ${plain(name)}: at most ${epochs} epochs of ${plain(optimizer.name)} at a learning rate of ${rate}; ${trainable.params} weights in ${trainable.tensors} tensors train. While it trains, ${batch} batch normalizations use the batch's statistics and ${modes.length - batch} their moving ones.`,
        table(["layers", "count", "weights", ""], treatmentRows(phase)),
      ].join("\n\n");
    })
    .join("\n\n");
}

/** How each class fared: the share of its images that was found, and of those so called that were it. */
function byClass({ confusion, data }: RunRecord): string {
  if (confusion === undefined) return "The run's record holds no figures for single classes.";
  const share = (right: number, of: number): string => (of === 0 ? "–" : `${percent(right / of)} of ${of}`);
  const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
  const rows = data.classes.map((name, label) => [
    plain(name),
    ...[confusion.validation, confusion.test].flatMap((counts) => {
      const right = counts[label]?.[label] ?? 0;
      return [share(right, sum(counts[label] ?? [])), share(right, sum(counts.map((row) => row[label] ?? 0)))];
    }),
  ]);
  return table(["class", "validation: found", "validation: precision", "test: found", "test: precision"], rows);
}

/** Metrics of the final weights, of all images and class by class. */
export function metrics(record: RunRecord): string {
  const { final, underTrained } = record;
  const row = (part: string, of: { readonly accuracy: number; readonly loss: number } | null): string[] => [
    part,
    percent(of?.accuracy),
    of === null ? "–" : of.loss.toFixed(4),
  ];
  const rows = [
    row("training (running mean of the epoch)", final.train),
    row("validation", final.validation),
    row("test", final.test),
  ];
  const warning = underTrained
    ? "\n\n**Under-trained**: accuracy on the training images never left chance. Do not use this model."
    : "";
  const early = final.stoppedEarly ? "; training stopped early" : "";
  return `${table(["part", "accuracy", "cross-entropy"], rows)}\n\nThese are the weights of epoch ${final.epoch}${early}.\n\n${byClass(record)}${warning}`;
}

/** Where and how it was trained. */
export function circumstances({ spec, runner, environment, finishedAt, epochs, warnings }: RunRecord): string {
  const { batchSize, seed, shuffle, augmentation } = spec;
  const changes = [
    augmentation.horizontalFlip ? "horizontal flips" : "",
    augmentation.maxShift > 0 ? `shifts of up to ${augmentation.maxShift} pixels` : "",
  ].filter((change) => change !== "");
  return [
    `- ${epochs.length} epochs in batches of ${batchSize}, ${shuffle ? "shuffled" : "in the set's order"}, seed ${seed}; random changes to images: ${changes.join(" and ") || "none"}`,
    `- runner ${code(runner)}: ${plain(environment.engine)} on ${plain(deviceLabel(environment))}, finished ${finishedAt}`,
    ...warnings.map(({ message }) => `- warning: ${plain(message)}`),
  ].join("\n");
}

import {
  bestOfSeed,
  type RecipeDifference,
  recipeDifferences,
  testAccuracy,
  testPercents,
} from "./recipe-comparison.ts";
import type { RecipeCell, RecipeSummary } from "./recipe-summary.ts";
import { LEVEL, type SeedEstimate } from "./seed-statistics.ts";

function signed(value: number): string {
  const size = Math.abs(value).toFixed(1);
  return `${value < 0 && Number(size) > 0 ? "−" : "+"}${size}`;
}

function accuracyText({ mean, interval }: SeedEstimate): string {
  const [low, high] = interval.map((end) => Math.min(100, Math.max(0, end)).toFixed(0));
  return `**${mean.toFixed(1)} %** (${low} to ${high})`;
}

function differenceText({ mean, interval: [low, high] }: RecipeDifference): string {
  return `${signed(mean)} (${signed(low)} to ${signed(high)})`;
}

function pText(p: number): string {
  return p < 0.001 ? "< 0.001" : p.toFixed(p < 0.1 ? 3 : 2);
}

const rateText = (rate: number): string => rate.toExponential().replace("+", "");

function weightsText(weights: number): string {
  return weights >= 1e6 ? `${(weights / 1e6).toFixed(2)} M` : weights.toLocaleString("en");
}

function trainsText({ phases }: RecipeCell): string {
  return phases
    .map(({ from, weights }) => (from === "head" ? "head" : `${from} … head`).concat(`, ${weightsText(weights)}`))
    .filter((text, index, all) => text !== all[index - 1])
    .join("; then ");
}

/** Epochs and rates phase by phase; like phases that follow each other are counted. */
function epochsText({ phases }: RecipeCell): string {
  const texts = phases.map(({ epochs, learningRate, multipliers }) => {
    const factors = multipliers.length > 1 ? ` × ${multipliers.join(", ")}` : "";
    return `${epochs} at ${rateText(learningRate)}${factors}`;
  });
  const starts = texts.flatMap((text, index) => (text === texts[index - 1] ? [] : [index]));
  return starts
    .map((start, place) => ({ text: texts[start] ?? "", count: (starts[place + 1] ?? texts.length) - start }))
    .map(({ text, count }) => (count === 1 ? text : `${count} times ${text}`))
    .join(", ");
}

function rowOf(cell: RecipeCell, summary: RecipeSummary, differences: readonly RecipeDifference[]): string {
  const { label, runs } = cell;
  const difference = differences.find(({ recipe, against }) => recipe === label && against === summary.baseline);
  const mean = (of: (run: RecipeCell["runs"][number]) => number): number =>
    runs.reduce((sum, run) => sum + of(run), 0) / runs.length;
  const under = runs.filter(({ underTrained }) => underTrained).length;
  const flag = under === 0 ? "" : ` (under-trained with ${under} of ${runs.length} seeds)`;
  const compared =
    summary.baseline === null
      ? []
      : difference === undefined
        ? ["–", "–"]
        : [differenceText(difference), pText(difference.adjustedP)];
  const columns = [
    label,
    trainsText(cell),
    epochsText(cell),
    `${(mean(({ accuracy }) => accuracy.train) * 100).toFixed(1)} %${flag}`,
    accuracyText(testAccuracy(cell)),
    testPercents(cell)
      .map((percent) => percent.toFixed(1))
      .join(", "),
    ...compared,
    mean(({ minutes }) => minutes).toFixed(2),
  ];
  return `| ${columns.join(" | ")} |`;
}

function pairTable(differences: readonly RecipeDifference[]): readonly string[] {
  const rows = differences.map(
    (difference) =>
      `| ${difference.recipe} − ${difference.against} | ${differenceText(difference)} | ${difference.bySeed.map(signed).join(", ")} | ${pText(difference.p)} | ${pText(difference.adjustedP)} |`,
  );
  return [
    "",
    "| paired by seed | difference, pp (95 % interval) | by seed | p | p, Holm |",
    "|---|---|---|---|---|",
    ...rows,
  ];
}

/** Level at which a difference stands out. */
const SIGNIFICANT = 1 - LEVEL;

/** What the differences show, and what they do not. */
function verdictOf(differences: readonly RecipeDifference[]): string {
  const clear = differences.filter(({ adjustedP }) => adjustedP < SIGNIFICANT);
  const many = `${differences.length} difference${differences.length === 1 ? "" : "s"}`;
  if (clear.length > 0) {
    const named = clear.map(
      (difference) => `${difference.recipe} − ${difference.against}, ${signed(difference.mean)} pp`,
    );
    return `Of ${many}, ${clear.length} ${clear.length === 1 ? "stands" : "stand"} out of 0 after Holm's correction: ${named.join("; ")}.`;
  }
  const low = Math.min(...differences.map(({ interval }) => interval[0]));
  const high = Math.max(...differences.map(({ interval }) => interval[1]));
  return `None of ${many} stands out of 0 after Holm's correction. That is not equality: the intervals reach from ${signed(low)} to ${signed(high)} pp.`;
}

function bestText(summary: RecipeSummary): string {
  const seeds = summary.cells[0]?.runs.map(({ seed }) => seed) ?? [];
  return `Highest by seed: ${seeds.map((seed) => `${seed}: ${bestOfSeed(summary, seed).join(" = ")}`).join("; ")}.`;
}

function noteOf({ cells, testPhotos, leftOut, runner, device, engine }: RecipeSummary): string {
  const runs = cells[0]?.runs ?? [];
  const list = (of: (run: (typeof runs)[number]) => number): string => runs.map(of).join(", ");
  const left = leftOut.length === 0 ? "" : ` Not finished, and left out: seed ${leftOut.join(", ")}.`;
  return `${runs.length} seeds (${list(({ seed }) => seed)}); test images ${list(({ images }) => images.test)}, ${testPhotos} different photos in all; training images ${list(({ images }) => images.train)}.${left} Runner \`${runner}\`, ${engine} on ${device}.`;
}

/** A summary as Markdown: a row a recipe, differences paired by seed, what it was measured on. */
export function recipeMarkdown(summary: RecipeSummary): string {
  const differences = recipeDifferences(summary);
  const { baseline, cells } = summary;
  const compared = baseline === null ? [] : [`against ${baseline}, pp (95 %)`, "p, Holm"];
  const head = [
    "recipe",
    "what trains, weights",
    "epochs at rate",
    "train acc.",
    "test acc. (95 %)",
    "by seed",
    ...compared,
    "min",
  ];
  return [
    `| ${head.join(" | ")} |`,
    `|${head.map(() => "---").join("|")}|`,
    ...cells.map((cell) => rowOf(cell, summary, differences)),
    ...(baseline === null ? pairTable(differences) : []),
    "",
    `${verdictOf(differences)} ${bestText(summary)}`,
    "",
    noteOf(summary),
  ].join("\n");
}

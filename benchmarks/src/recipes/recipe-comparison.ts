import type { RecipeCell, RecipeSummary } from "./recipe-summary.ts";
import { holm, type SeedEstimate, seedEstimate } from "./seed-statistics.ts";

/** Two recipes on the same seeds: the first one's test accuracy minus the second one's, in percentage points. */
export interface RecipeDifference extends SeedEstimate {
  readonly recipe: string;
  readonly against: string;
  /** One a seed. */
  readonly bySeed: readonly number[];
  /** p, adjusted for all differences of the table. */
  readonly adjustedP: number;
}

/** Test accuracies in percent, one a seed. */
export function testPercents({ runs }: RecipeCell): readonly number[] {
  return runs.map(({ accuracy }) => accuracy.test * 100);
}

/** Test images divided by training images, the mean over seeds. */
function testToTrain({ runs }: RecipeCell): number {
  return runs.reduce((sum, { images }) => sum + images.test / images.train, 0) / runs.length;
}

/** A recipe's test accuracy in percent. */
export function testAccuracy(cell: RecipeCell): SeedEstimate {
  return seedEstimate(testPercents(cell), testToTrain(cell));
}

function pairsOf({ cells, baseline }: RecipeSummary): readonly (readonly [RecipeCell, RecipeCell])[] {
  const base = cells.find(({ label }) => label === baseline);
  return base === undefined
    ? cells.flatMap((first, index) => cells.slice(index + 1).map((second) => [second, first] as const))
    : cells.filter((cell) => cell !== base).map((cell) => [cell, base] as const);
}

/** The differences that a summary asks for, paired by seed. */
export function recipeDifferences(summary: RecipeSummary): readonly RecipeDifference[] {
  const differences = pairsOf(summary).map(([cell, base]) => {
    const theirs = testPercents(base);
    const bySeed = testPercents(cell).map((value, index) => value - (theirs[index] ?? Number.NaN));
    return { recipe: cell.label, against: base.label, bySeed, ...seedEstimate(bySeed, testToTrain(cell)) };
  });
  const adjusted = holm(differences.map(({ p }) => p));
  return differences.map((difference, index) => ({ ...difference, adjustedP: adjusted[index] ?? 1 }));
}

/** Labels of the recipes with a seed's highest test accuracy; several where they tie. */
export function bestOfSeed({ cells }: RecipeSummary, seed: number): readonly string[] {
  const tested = cells.flatMap(({ label, runs }) =>
    runs.filter((run) => run.seed === seed).map(({ accuracy }) => ({ label, accuracy: accuracy.test })),
  );
  const best = Math.max(...tested.map(({ accuracy }) => accuracy));
  return tested.filter(({ accuracy }) => accuracy === best).map(({ label }) => label);
}

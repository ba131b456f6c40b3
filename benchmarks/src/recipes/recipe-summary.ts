import { deviceLabel, hashOf, initialLearningRate, type Result, ThawError, unseededLabel } from "@thaw/core";

/** One recipe with one seed. */
export interface SeedRun {
  readonly seed: number;
  readonly planHash: string;
  /** Images of each part. */
  readonly images: { readonly train: number; readonly validation: number; readonly test: number };
  /** Hash of the names of the test images: equal where two recipes were tested on the same ones. */
  readonly testSet: string;
  /** Shares, 0…1. */
  readonly accuracy: { readonly train: number; readonly validation: number | null; readonly test: number };
  readonly underTrained: boolean;
  readonly minutes: number;
}

/** A recipe with all its seeds. */
export interface RecipeCell {
  readonly label: string;
  /** Phase by phase. */
  readonly phases: readonly {
    readonly epochs: number;
    readonly learningRate: number;
    /** Factors on the rate of the layers that train, each once, highest first. */
    readonly multipliers: readonly number[];
    /** First layer that trains. */
    readonly from: string;
    readonly weights: number;
  }[];
  readonly runs: readonly SeedRun[];
}

/** What a recipe's sweep gave: the part of its results that its table is made of. */
export interface RecipeSummary {
  readonly version: 1;
  readonly sweep: string;
  /** Label of the recipe that the others are held against; null: every two are compared. */
  readonly baseline: string | null;
  readonly thawVersion: string;
  readonly runner: string;
  readonly engine: string;
  readonly device: string;
  /** Different photos that were test images with some seed. */
  readonly testPhotos: number;
  readonly cells: readonly RecipeCell[];
  /** Seeds that some recipe lacks, and which are left out. */
  readonly leftOut: readonly number[];
}

const SHORT = 12;

async function seedRun(result: Result): Promise<SeedRun> {
  const { final, data, timing, spec } = result;
  const heldOut = data.heldOut?.test;
  if (final.test === null || heldOut === undefined) {
    throw new ThawError("accuracy-missing", `${result.cell}: the result has no test accuracy, or not its images.`, {
      hint: "Give the spec a test part (split.test), and run it with this version.",
    });
  }
  const validation = final.validation?.accuracy ?? null;
  return {
    seed: spec.seed,
    planHash: result.planHash.slice(0, SHORT),
    images: { train: data.train, validation: data.validation, test: data.test },
    testSet: (await hashOf(heldOut.ids)).slice(0, SHORT),
    accuracy: { train: final.train.accuracy, validation, test: final.test.accuracy },
    underTrained: result.underTrained,
    minutes: Math.round(timing.totalMs / 600) / 100,
  };
}

function multipliersOf(layers: Result["phases"][number]["layers"]): readonly number[] {
  const training = layers.filter(({ trainableParams }) => trainableParams > 0);
  return [...new Set(training.map(({ lrMultiplier }) => lrMultiplier))].sort((a, b) => b - a);
}

function phasesOf(result: Result): RecipeCell["phases"] {
  return result.phases.map(({ epochs, optimizer, layers, trainable }) => ({
    epochs,
    learningRate: initialLearningRate(optimizer.learningRate),
    multipliers: multipliersOf(layers),
    from: layers.find(({ trainableParams }) => trainableParams > 0)?.name ?? "nothing",
    weights: trainable.params,
  }));
}

/** @throws ThawError `seeds-unpaired` where a seed's recipes were not tested on the same images */
function checkPaired(cells: readonly RecipeCell[]): void {
  for (const { label, runs } of cells) {
    for (const { seed, testSet } of runs) {
      const first = cells[0]?.runs.find((run) => run.seed === seed);
      if (first?.testSet === testSet) continue;
      throw new ThawError(
        "seeds-unpaired",
        `Seed ${seed}: "${label}" and "${cells[0]?.label}" have other test images.`,
        {
          hint: "Recipes are compared on the same split: give them the same data, split and seeds.",
        },
      );
    }
  }
}

function only<T>(values: readonly T[], what: string): T {
  const [first, ...others] = [...new Set(values)];
  if (first !== undefined && others.length === 0) return first;
  throw new ThawError("recipe-mixed", `The results have ${what} ${[first, ...others].join(", ")}; expected one.`, {
    hint: "Give a folder with the results of one sweep on one runner.",
  });
}

/**
 * Sums up the results of a sweep whose groups have `seeds`.
 * @param baseline label of the recipe that the others are held against; null to compare every two
 * @throws ThawError `recipe-mixed`, `recipe-unknown`, `seeds-unpaired`, `accuracy-missing`
 */
export async function recipeSummary(results: readonly Result[], baseline: string | null): Promise<RecipeSummary> {
  const byLabel = new Map<string, Result[]>();
  for (const result of [...results].sort((a, b) => a.finishedAt.localeCompare(b.finishedAt))) {
    const label = unseededLabel(result.sweep?.label ?? result.spec.name, result.spec.seed);
    byLabel.set(label, [...(byLabel.get(label) ?? []), result]);
  }
  const seeds = [...new Set(results.map(({ spec }) => spec.seed))].sort((a, b) => a - b);
  const isWhole = (seed: number): boolean =>
    [...byLabel.values()].every((ofLabel) => ofLabel.some(({ spec }) => spec.seed === seed));
  const whole = seeds.filter(isWhole);
  const cells: RecipeCell[] = [];
  const photos = new Set<string>();
  for (const [label, ofLabel] of byLabel) {
    const runs: SeedRun[] = [];
    for (const seed of whole) {
      const ofSeed = ofLabel.filter(({ spec }) => spec.seed === seed);
      only(
        ofSeed.map(({ cell }) => cell),
        `for "${label}", seed ${seed}, the runs`,
      );
      for (const result of ofSeed) {
        runs.push(await seedRun(result));
        for (const id of result.data.heldOut?.test.ids ?? []) photos.add(id);
      }
    }
    const [first] = ofLabel;
    if (first !== undefined) cells.push({ label, phases: phasesOf(first), runs });
  }
  checkPaired(cells);
  if (baseline !== null && !byLabel.has(baseline)) {
    throw new ThawError("recipe-unknown", `There is no recipe "${baseline}" among the results.`, {
      hint: `Give one of ${[...byLabel.keys()].join(", ")}.`,
    });
  }
  return {
    version: 1,
    sweep: only(
      results.map(({ sweep }) => sweep?.name ?? "none"),
      "the sweeps",
    ),
    baseline,
    thawVersion: only(
      results.map(({ thawVersion }) => thawVersion),
      "the versions",
    ),
    runner: only(
      results.map(({ runner }) => runner),
      "the runners",
    ),
    engine: only(
      results.map(({ environment }) => environment.engine),
      "the engines",
    ),
    device: only(
      results.map(({ environment }) => deviceLabel(environment)),
      "the devices",
    ),
    testPhotos: photos.size,
    cells,
    leftOut: seeds.filter((seed) => !isWhole(seed)),
  };
}

import { type FolderSurvey, requireTwoClasses } from "@thaw/assets";
import { ThawError } from "@thaw/core";
import type { DataFigures } from "./data-figures.ts";
import { passedOverFinding } from "./passed-over.ts";

/** Something worth knowing about a set. An error: nothing can be trained on it; a note calls for no action. */
export interface DataFinding {
  readonly severity: "error" | "warning" | "note";
  readonly code: string;
  readonly message: string;
  /** What to do about it. */
  readonly advice: string;
  /** Every file or pair it is about. */
  readonly items: readonly string[];
}

/** A class needs one image to train on, one to validate with and one to test with. */
const MIN_CLASS_IMAGES = 3;
/** Below, the held-out fifth of a class is three images or fewer: one more or less right moves its recall by a third. */
const FEW_CLASS_IMAGES = 20;
/** From here on a network gains more from naming the large class than from telling the small one apart. */
const MUCH_IMBALANCE = 3;
/** So large a part of blurred images shapes what is learnt. */
const MANY_ENLARGED = 0.1;
/** A picture twice as long as wide loses half its length when it is pressed into a square. */
const LONG = 2;

/** How copies and their like bear on held-out figures. */
const SPLIT_ADVICE =
  'split.by "stratified" deals images out one by one, so copies land on both sides of a split and held-out figures come out too good.';
const SERIES_ADVICE =
  'Or put photos of one thing or person into a folder inside their class (photos/boots/anna/1.jpg) and set split.by to "group", which keeps them together.';

function twoClasses({ root }: FolderSurvey, { classes }: DataFigures, empty: readonly string[]): DataFinding[] {
  try {
    requireTwoClasses(
      root,
      classes.map(({ name }) => name),
      empty,
    );
    return [];
  } catch (error) {
    if (!(error instanceof ThawError)) throw error;
    return [
      { severity: "error", code: error.code, message: error.message, advice: error.hint ?? "", items: [...empty] },
    ];
  }
}

function classSizes({ classes, imbalance }: DataFigures): DataFinding[] {
  const findings: DataFinding[] = [];
  const named = (list: DataFigures["classes"]): string[] => list.map(({ name, images }) => `${name} (${images})`);
  const tooFew = classes.filter(({ images }) => images < MIN_CLASS_IMAGES);
  const few = classes.filter(({ images }) => images >= MIN_CLASS_IMAGES && images < FEW_CLASS_IMAGES);
  if (tooFew.length > 0) {
    findings.push({
      severity: "error",
      code: "class-too-small",
      message: `${tooFew.length} of ${classes.length} classes have fewer than ${MIN_CLASS_IMAGES} images: one to train on, one to validate with and one to test with.`,
      advice: "Add images, or move the class out of the folder.",
      items: named(tooFew),
    });
  }
  if (few.length > 0) {
    findings.push({
      severity: "warning",
      code: "class-small",
      message: `${few.length} of ${classes.length} classes have fewer than ${FEW_CLASS_IMAGES} images, so three or fewer are held out of each and their figures say little.`,
      advice: "Add images; else train with several seeds (thaw sweep --seed 0,1,2,3,4) and look at the mean.",
      items: named(few),
    });
  }
  if (imbalance !== null && imbalance.ratio >= MUCH_IMBALANCE) {
    const { largest, smallest, ratio, baseline } = imbalance;
    findings.push({
      severity: "warning",
      code: "imbalance",
      message: `The largest class, "${largest}", has ${ratio.toFixed(1)} times the images of the smallest, "${smallest}".`,
      advice: `Add images of the small classes. Compare accuracy with the ${(baseline * 100).toFixed(1)} % of always saying "${largest}", not with ${(100 / classes.length).toFixed(1)} %.`,
      items: [],
    });
  }
  return findings;
}

function unusable({ unreadable, images }: FolderSurvey, empty: readonly string[]): DataFinding[] {
  const findings: DataFinding[] = [];
  if (unreadable.length > 0) {
    findings.push({
      severity: "warning",
      code: "unreadable",
      message: `Images that cannot be read, and at which training stops: ${unreadable.length} of ${unreadable.length + images.length}.`,
      advice: "Repair or remove them, or set data.skipUnreadable to true to train without them.",
      items: unreadable.map(({ path, reason }) => `${path} (${reason})`),
    });
  }
  if (empty.length > 0) {
    findings.push({
      severity: "warning",
      code: "empty-class",
      message: `Folders without a readable image, which are no class: ${empty.length}.`,
      advice: "Put images there, or move the folder away.",
      items: [...empty],
    });
  }
  return findings;
}

function pairCount(pairs: number): string {
  return pairs === 1 ? "1 pair" : `${pairs} pairs`;
}

function copies({ duplicates, near, nearBits, images }: FolderSurvey): DataFinding[] {
  const findings: DataFinding[] = [];
  const add = (code: string, count: number, message: string, advice: string, items: readonly string[]): void => {
    if (count > 0) findings.push({ severity: "warning", code, message, advice, items });
  };
  const same = (across: boolean): string[] =>
    duplicates.filter(({ acrossClasses }) => acrossClasses === across).map(({ paths }) => paths.join(" = "));
  const pairs = (across: boolean): string[] =>
    near.pairs
      .filter(({ acrossClasses }) => acrossClasses === across)
      .map(({ first, second, bits }) => `${images[first]?.path} ~ ${images[second]?.path} (${bits} bits)`);
  const [conflicts, repeats] = [same(true), same(false)];
  const within = `within ${nearBits} of 64 bits of a perceptual hash`;
  add(
    "labels-conflict",
    conflicts.length,
    `Labels conflict: the same file lies under more than one class (${conflicts.length} such files).`,
    "Keep each in the class where it belongs: no network can learn both.",
    conflicts,
  );
  add(
    "near-duplicate-labels-conflict",
    near.acrossClasses,
    `Images under two classes look the same, ${within}: ${pairCount(near.acrossClasses)}.`,
    "Look at them: keep one of each pair, in the class where it belongs, or both where they do differ.",
    pairs(true),
  );
  add(
    "duplicate",
    repeats.length,
    `The same file lies more than once in its class (${repeats.length} such files).`,
    `Keep one of each: ${SPLIT_ADVICE}`,
    repeats,
  );
  add(
    "near-duplicate",
    near.withinClasses,
    `Images of one class look the same, ${within}: ${pairCount(near.withinClasses)}.`,
    `Keep one of each pair: ${SPLIT_ADVICE} ${SERIES_ADVICE}`,
    pairs(false),
  );
  return findings;
}

function shapes({ images }: FolderSurvey, { enlarged }: DataFigures, imageSize: number): DataFinding[] {
  const findings: DataFinding[] = [];
  if (enlarged > 0) {
    const many = enlarged / images.length > MANY_ENLARGED;
    findings.push({
      severity: many ? "warning" : "note",
      code: "enlarged",
      message: `${enlarged} of ${images.length} images have a side below the network's ${imageSize} px and are enlarged, which adds no detail.`,
      advice: many
        ? "Use larger originals, or a smaller model.imageSize."
        : "Use larger originals where there are any.",
      items: images
        .filter(({ width, height }) => Math.min(width, height) < imageSize)
        .map(({ path, width, height }) => `${path} (${width}×${height})`),
    });
  }
  const long = images.filter(({ width, height }) => Math.max(width, height) > LONG * Math.min(width, height));
  if (long.length > 0) {
    findings.push({
      severity: "note",
      code: "long",
      message: `More than twice as long as wide: ${long.length} of ${images.length} images; data.resize "stretch" presses them into a square.`,
      advice: 'Set data.resize to "pad" (whole image, black bars) or "crop" (its middle) if shape tells classes apart.',
      items: long.map(({ path, width, height }) => `${path} (${width}×${height})`),
    });
  }
  return findings;
}

const ORDER = ["error", "warning", "note"];

/**
 * What a survey gives cause to say: errors first, then warnings, then notes.
 * @param imageSize side of the network's input, pixels
 */
export function dataFindings(survey: FolderSurvey, figures: DataFigures, imageSize: number): readonly DataFinding[] {
  const empty = survey.classes.filter(({ images }) => images === 0).map(({ name }) => name);
  const findings = [
    ...twoClasses(survey, figures, empty),
    ...classSizes(figures),
    ...unusable(survey, empty),
    ...copies(survey),
    ...passedOverFinding(survey),
    ...shapes(survey, figures, imageSize),
  ];
  return findings.sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
}

/** Whether there is nothing in the way of training. */
export function isTrainable(findings: readonly DataFinding[]): boolean {
  return findings.every(({ severity }) => severity !== "error");
}

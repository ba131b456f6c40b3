import type { Result } from "@thaw/core";
import type { Part } from "./score.ts";

/** A held-out image that was put in the wrong class. */
export interface Mistake {
  readonly id: string;
  readonly part: Part;
  readonly seed: number;
  readonly label: string;
  readonly predicted: string;
  /** Probability that the predicted class was given, 0…1. */
  readonly confidence: number;
  /** Probability that the image's own class was given, 0…1. */
  readonly ownProbability: number;
  /** Cross-entropy of the image's own class. */
  readonly loss: number;
}

/** Mistakes that a report shows. */
export const MOST_MISTAKES = 12;

function mistakesOf({ data, predictions, certainty, spec }: Result, part: Part): readonly Mistake[] {
  const heldOut = data.heldOut?.[part];
  const sure = certainty?.[part];
  if (heldOut === undefined || sure === undefined) return [];
  return heldOut.ids.flatMap((id, index) => {
    const [label, predicted] = [heldOut.labels[index], predictions[part][index]];
    const [loss, confidence] = [sure.losses[index], sure.confidences[index]];
    if (label === undefined || predicted === undefined || predicted === label) return [];
    if (loss === undefined || confidence === undefined) return [];
    const nameOf = (index: number): string => data.classes[index] ?? `class ${index}`;
    const names = { label: nameOf(label), predicted: nameOf(predicted) };
    return [{ id, part, seed: spec.seed, ...names, confidence, ownProbability: Math.exp(-loss), loss }];
  });
}

/**
 * The wrongly classified images with the largest loss, each once, with the seed that was most wrong.
 * @returns null where a result does not say how sure it was of which image (Thaw 0.1, and runners that do not tell)
 */
export function worstMistakes(runs: readonly Result[], most: number = MOST_MISTAKES): readonly Mistake[] | null {
  if (runs.some(({ data, certainty }) => data.heldOut === undefined || certainty === undefined)) return null;
  const all = runs.flatMap((run) => [...mistakesOf(run, "validation"), ...mistakesOf(run, "test")]);
  const worstOf = new Map<string, Mistake>();
  for (const mistake of all.sort((a, b) => b.loss - a.loss)) {
    if (!worstOf.has(mistake.id)) worstOf.set(mistake.id, mistake);
  }
  return [...worstOf.values()].slice(0, most);
}

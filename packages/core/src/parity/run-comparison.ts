import type { Result } from "../runner/result.ts";

/** How two runs of one plan on two runners agree. */
export interface RunComparison {
  /** L0: the same plan, the same initial weights, the same frozen weights. */
  readonly identity: { readonly plan: boolean; readonly initialWeights: boolean; readonly frozenWeights: boolean };
  /** Largest relative difference of a training loss, and where: by step where both recorded steps, else by epoch. */
  readonly loss: { readonly difference: number; readonly at: string };
  /** Differences of final accuracy, 0…1; null where there is no such part. */
  readonly accuracy: { readonly validation: number | null; readonly test: number | null };
  /** Images that both runs put in the same class, of all held-out ones. */
  readonly predictions: { readonly equal: number; readonly images: number };
}

interface LossPoint {
  readonly at: string;
  readonly loss: number;
}

function losses({ steps, epochs }: Result, byStep: boolean): readonly LossPoint[] {
  return byStep && steps !== undefined
    ? steps.map(({ step, loss }) => ({ at: `step ${step}`, loss }))
    : epochs.map(({ epoch, train }) => ({ at: `epoch ${epoch}`, loss: train.loss }));
}

/** The first loss point of two series that is furthest apart. */
function worstLoss(reference: readonly LossPoint[], other: readonly LossPoint[]): RunComparison["loss"] {
  let worst = { difference: 0, at: reference[0]?.at ?? "nowhere" };
  for (const [index, { at, loss }] of reference.entries()) {
    const found = other[index];
    const difference = found?.at === at ? Math.abs(found.loss - loss) / Math.abs(loss) : Number.POSITIVE_INFINITY;
    if (!(difference <= worst.difference)) worst = { difference, at };
  }
  return worst;
}

function difference(a: { readonly accuracy: number } | null, b: { readonly accuracy: number } | null): number | null {
  return a === null || b === null ? null : Math.abs(a.accuracy - b.accuracy);
}

/**
 * Compares two results of one cell. Says how far they are apart, not whether that is too far.
 * @param reference the result of the runner that the other is held against
 */
export function compareRuns(reference: Result, other: Result): RunComparison {
  const [ours, theirs] = [other, reference].map(({ predictions }) => [...predictions.validation, ...predictions.test]);
  const equal = (theirs ?? []).filter((label, index) => label === ours?.[index]).length;
  const byStep = reference.steps !== undefined && other.steps !== undefined;
  return {
    identity: {
      plan: reference.planHash === other.planHash,
      initialWeights: reference.digests.initial === other.digests.initial,
      frozenWeights: reference.digests.frozen.after === other.digests.frozen.after,
    },
    loss: worstLoss(losses(reference, byStep), losses(other, byStep)),
    accuracy: {
      validation: difference(reference.final.validation, other.final.validation),
      test: difference(reference.final.test, other.final.test),
    },
    predictions: { equal, images: theirs?.length ?? 0 },
  };
}

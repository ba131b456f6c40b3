import type { Outcome, Spec } from "@thaw/core";

/** What a saved model says of itself. */
export interface SavedModel {
  readonly spec: Spec;
  /** In the order of the head's outputs. */
  readonly classes: readonly string[];
  readonly metrics: Outcome["final"];
}

/** The `__metadata__` of a saved model. The one place where its form is decided. */
export function savedModelMetadata({ spec, classes, metrics }: SavedModel): Readonly<Record<string, string>> {
  return { format: "keras", thaw: JSON.stringify({ spec, classes, metrics }) };
}

import type { Place } from "./report.ts";

/** A place as a person reads it: `step 1, block_13_expand_BN/beta`; empty where a measure has none. */
export function placeText({ step, op, layer, tensor }: Place): string {
  const inside = tensor ?? layer ?? op;
  const parts = [step === undefined ? undefined : `step ${step}`, inside];
  return parts.filter((part) => part !== undefined).join(", ");
}

import type { NamedTensors } from "../model/safetensors.ts";
import type { Environment } from "../runner/environment.ts";
import type { Outcome } from "../runner/outcome.ts";

/** What one traced run left behind, read back. */
export interface Evidence {
  readonly runner: string;
  readonly environment: Environment;
  readonly outcome: Outcome;
  /** Layout: `STEP_FILE`. */
  readonly firstStep: NamedTensors;
  /** All weights by step, 0 being the start. */
  readonly weights: ReadonlyMap<number, NamedTensors>;
}

/** What the ladder holds a run against. */
export interface Reference {
  /** Computed in float64, or by the first runner where there is no judge. */
  readonly exact: Evidence;
  /** The same in float32, also started one ULP away: how far rounding alone takes them shows the noise. */
  readonly rounded: readonly Evidence[];
}

/** The largest error that rounding alone gave the reference in one measure. */
export function noiseOf({ rounded }: Reference, error: (evidence: Evidence) => number): number {
  return Math.max(0, ...rounded.map(error));
}

/** Values of a named tensor; none where it is not there. */
export function valuesOf(tensors: NamedTensors, name: string): ArrayLike<number> | undefined {
  return tensors.get(name)?.data;
}

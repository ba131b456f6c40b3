import type { Layer } from "../model/layer.ts";
import { type CurvePoint, MAX_FAILURES, type Measure, NOT_FINITE, type Rung, type RungResult } from "./report.ts";

/** Which rung of which runner at which depth is judged. */
export interface Cell {
  readonly rung: Rung;
  readonly runner: string;
  readonly depth: string | null;
}

/** Which runner at which depth is judged, and the network it trained. */
export interface Subject {
  readonly runner: string;
  readonly depth: string;
  readonly layers: readonly Layer[];
}

/** Puts a number in the place of what JSON cannot hold. */
function finite<M extends { readonly value: number; readonly bound: number }>(measure: M): M {
  const { value, bound } = measure;
  if (Number.isFinite(value) && Number.isFinite(bound)) return measure;
  // Without a finite bound there is nothing to hold against: that counts as broken.
  return { ...measure, value: NOT_FINITE, bound: Number.isFinite(bound) ? bound : 0 };
}

/** A self-noise that is no number says nothing, and is left out. */
function finitePoint({ selfNoise, ...point }: CurvePoint): CurvePoint {
  const isTold = selfNoise !== undefined && Number.isFinite(selfNoise);
  return { ...finite(point), ...(isTold ? { selfNoise } : {}) };
}

/** Whether a measure keeps its bound. */
export function holds({ value, bound }: Pick<Measure, "value" | "bound">): boolean {
  return value <= bound;
}

/** How far a measure is above its bound: 1 is at it. An exact check that fails is infinitely far. */
export function ratioOf({ value, bound }: Pick<Measure, "value" | "bound">): number {
  return value === 0 ? 0 : value / bound;
}

/** The verdict that a list of measures, in the order of the computation, amounts to. */
export function verdictOf(
  cell: Cell,
  given: readonly Measure[],
  extra: { readonly note?: string; readonly curve?: readonly CurvePoint[] } = {},
): RungResult {
  const measures = given.map(finite);
  const failures = measures.filter((measure) => !holds(measure));
  let worst: Measure | null = null;
  for (const measure of measures) if (worst === null || ratioOf(measure) > ratioOf(worst)) worst = measure;
  return {
    ...cell,
    status: failures.length === 0 ? "pass" : "fail",
    worst,
    checks: measures.length,
    failures: failures.slice(0, MAX_FAILURES),
    failed: failures.length,
    ...extra,
    ...(extra.curve === undefined ? {} : { curve: extra.curve.map(finitePoint) }),
  };
}

/** The verdict where nothing could be measured. */
export function unjudged(cell: Cell, status: "error" | "not-run" | "fail", note: string): RungResult {
  return { ...cell, status, worst: null, checks: 0, failures: [], failed: 0, note };
}

import { deviceLabel } from "@thaw/core";
import {
  type Measure,
  NOT_FINITE,
  type ParityReport,
  placeText,
  RUNG_TITLES,
  type RungResult,
  type RungStatus,
  ratioOf,
} from "@thaw/core/parity";

/** A status by sign and word: never by colour alone. */
export const STATUS_WORDS: Readonly<Record<RungStatus, string>> = {
  pass: "✓ pass",
  fail: "✗ FAIL",
  error: "! error",
  "not-run": "– not run",
};

/** A number with two digits that count: `3.1e-7`, `0.82`, `12`. */
export function figure(value: number): string {
  if (!Number.isFinite(value) || value === NOT_FINITE) return "not finite";
  if (Number.isInteger(value) && Math.abs(value) < 1e4) return String(value);
  const size = Math.abs(value);
  return size >= 1e-2 && size < 1e4 ? String(Number(value.toPrecision(2))) : value.toExponential(1);
}

/** A part of a bound: `82 %` within it, `5.5×` beyond. */
export function ratioText(ratio: number): string {
  if (ratio === Number.POSITIVE_INFINITY) return "∞";
  if (ratio > 1) return `${ratio < 1.05 ? ratio.toPrecision(4) : figure(ratio)}×`;
  if (ratio === 0) return "0 %";
  return ratio < 1e-3 ? "<0.1 %" : `${Number((ratio * 100).toPrecision(2))} %`;
}

/** A measure beside its bound: `1.6e-3 of 2e-3 (82 %)`; what is to be exact is so, or not. */
export function againstBound(measure: Pick<Measure, "value" | "bound">): string {
  const { value, bound } = measure;
  if (bound === 0) return value === 0 ? "exact" : `${figure(value)}, must be 0`;
  return `${figure(value)} of ${figure(bound)} (${ratioText(ratioOf(measure))})`;
}

/** A measure as part of its bound, `82 %` or `5.5×`; what is to be exact is so, or not. */
export function partOfBound(measure: Pick<Measure, "value" | "bound">): string {
  return measure.bound === 0 ? (measure.value === 0 ? "exact" : "not exact") : ratioText(ratioOf(measure));
}

/** A measure in full: beside its bound, what it is and where. */
export function measureText(measure: Measure): string {
  const place = placeText(measure.at);
  return `${againstBound(measure)}, ${measure.what}${place === "" ? "" : ` at ${place}`}`;
}

/** `L3 gradients, depth 0`. */
export function cellTitle({ rung, depth }: Pick<RungResult, "rung" | "depth">): string {
  return `${rung} ${RUNG_TITLES[rung]}${depth === null ? "" : `, depth ${depth}`}`;
}

/** What the runners are held against: `keras (float64)`. */
export function referenceName({ reference }: ParityReport): string {
  return `${reference.runner} (${reference.dtype})`;
}

/** A runner with its device, where that is emulated: nobody may take it for a GPU. */
export function runnerLabel({ runners }: ParityReport, name: string): string {
  const environment = runners.find((runner) => runner.name === name)?.environment;
  return environment?.device.software ? `${name}, ${deviceLabel(environment)}` : name;
}

/** A value that drifted. */
export function driftValue(value: number | string): string {
  return typeof value === "number" ? figure(value) : value;
}

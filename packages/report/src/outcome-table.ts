import type { EquivalenceResult } from "@thaw/core/parity";
import { figure } from "./wording.ts";

/** The columns of the L5 table. */
export const OUTCOME_HEAD = [
  "runner",
  "depth",
  "seeds",
  "accuracy",
  "difference",
  "interval",
  "δ",
  "p",
  "verdict",
  "power",
  "seeds for 90 %",
  "same predictions",
] as const;

const signed = (value: number): string => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;

function mean(values: readonly number[]): string {
  return (values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(1);
}

/** The L5 table's cells of one pair of runners. */
export function outcomeCells(outcome: EquivalenceResult): readonly string[] {
  const { runner, reference, depth, seeds, accuracies, meanDifference, standardDeviation, interval } = outcome;
  const { delta, alpha, p, equivalent, power, seedsNeeded, agreement } = outcome;
  const share = agreement.images === 0 ? "" : ` (${((100 * agreement.equal) / agreement.images).toFixed(1)} %)`;
  return [
    `${runner} against ${reference}`,
    depth,
    String(seeds.length),
    `${mean(accuracies.runner)} / ${mean(accuracies.reference)} %`,
    `${signed(meanDifference)} ± ${standardDeviation.toFixed(2)} pp`,
    `${Math.round((1 - 2 * alpha) * 100)} %: ${signed(interval[0])} to ${signed(interval[1])} pp`,
    `±${delta} pp`,
    figure(p),
    equivalent ? "✓ equivalent" : "✗ NOT shown",
    `${Math.round(power * 100)} %`,
    seedsNeeded === null ? "more than searched" : String(seedsNeeded),
    `${agreement.equal} of ${agreement.images}${share}`,
  ];
}

import { deviceLabel } from "@thaw/core";
import Table from "cli-table3";
import { sparkline } from "../table.ts";
import { type CurvePoint, lossCurve } from "./loss-curve.ts";
import type { RateSearch } from "./range-record.ts";
import { RATE_RULES, type RateFindings, type RateRule, suggestedRate } from "./rate-choice.ts";

const ROWS = 16;
/** Curves are cut at so many times the first loss: a loss that blows up would flatten all that comes before. */
const CUT = 1.3;

const rateText = (rate: number): string => rate.toExponential(1).replace("+", "");

/** About `ROWS` points evenly spread, the first and the last among them. */
function thinned(curve: readonly CurvePoint[]): readonly CurvePoint[] {
  const rows = Math.min(ROWS, curve.length);
  const places = Array.from({ length: rows }, (_, row) =>
    Math.round((row * (curve.length - 1)) / Math.max(rows - 1, 1)),
  );
  return places.flatMap((place) => curve[place] ?? []);
}

function curveTable(curve: readonly CurvePoint[]): string {
  const table = new Table({
    head: ["step", "rate", "loss", "smoothed", "slope a decade"],
    colAligns: ["right", "right", "right", "right", "right"],
    style: { head: [], border: [] },
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
  });
  for (const { step, learningRate, loss, smoothed, slope } of thinned(curve)) {
    table.push([step, rateText(learningRate), loss.toFixed(3), smoothed.toFixed(3), slope.toFixed(2)]);
  }
  return table.toString();
}

function endText({ ended, steps }: RateSearch): string {
  const rate = rateText(steps.at(-1)?.learningRate ?? 0);
  switch (ended.how) {
    case "all-steps":
      return `All ${steps.length} steps were run, to a rate of ${rate}.`;
    case "loss-exploded":
      return `Stopped after ${steps.length} steps, at a rate of ${rate}: the loss had blown up.`;
    case "non-finite":
      return `Stopped after ${steps.length} steps, at a rate of ${rate}: ${ended.message}`;
  }
}

function ratesText({ minimum, steepest }: RateFindings): readonly string[] {
  const lowest = minimum && `lowest smoothed loss: ${minimum.smoothed.toFixed(3)} at ${rateText(minimum.learningRate)}`;
  const fastest =
    steepest && `fastest fall: ${(-steepest.slope).toFixed(2)} a decade at ${rateText(steepest.learningRate)}`;
  return [lowest, fastest].filter((text) => text !== null);
}

/** What a range test shows, for a terminal, and what it does not. */
export function searchText(search: RateSearch, findings: RateFindings, rule: RateRule): string {
  const curve = lossCurve(search.steps);
  const rate = suggestedRate(findings, rule);
  const { spec, data, steps } = search;
  const [first, last] = [steps[0], steps.at(-1)];
  const suggestion =
    rate === null
      ? `No rate is suggested by the rule "${rule}" (${RATE_RULES[rule]}).`
      : `Suggested rate: ${rateText(rate)}, by the rule "${rule}": ${RATE_RULES[rule]}.`;
  const ceiling = CUT * (curve[0]?.smoothed ?? 0);
  const drawn = (key: "loss" | "smoothed"): string =>
    sparkline(
      curve.map((point) => Math.min(point[key], ceiling)),
      60,
    );
  const epochs = steps.length / Math.ceil(data.train / spec.batchSize);
  return [
    curveTable(curve),
    `loss      ${drawn("loss")}`,
    `smoothed  ${drawn("smoothed")}`,
    `          rates ${rateText(first?.learningRate ?? 0)} to ${rateText(last?.learningRate ?? 0)}; losses above ${ceiling.toFixed(2)} are cut`,
    `${search.runner} on ${deviceLabel(search.environment)}. ${endText(search)}`,
    ...ratesText(findings),
    ...findings.doubts,
    suggestion,
    `This is one test from the starting weights: seed ${spec.seed}, batches of ${spec.batchSize}, ${data.train} images seen ${epochs.toFixed(1)} times. It shows at which rates the training loss falls and rises; it says nothing of accuracy on other images.`,
  ].join("\n");
}

import { placeText } from "./place.ts";
import { type Divergence, NOT_FINITE, RUNG_TITLES, RUNGS, type RungResult } from "./report.ts";

function sentenceOf({ rung, runner, depth, failures, note }: RungResult, reference: string): string {
  const where = depth === null ? "" : `, depth ${depth}`;
  const head = `${runner} leaves ${reference} at ${rung} (${RUNG_TITLES[rung]})${where}`;
  const [first] = failures;
  if (first === undefined) return `${head}: ${note ?? "no measure was kept"}`;
  const digits = (value: number): string => (value === NOT_FINITE ? "not finite" : value.toPrecision(2));
  const place = placeText(first.at);
  const at = place === "" ? "" : `, ${place}`;
  const { value, bound } = first;
  const measured = bound === 0 ? "" : ` ${digits(value)}, bound ${digits(bound)}`;
  return `${head}${at}: ${first.what}${measured}${bound === 0 ? " differ" : ""}.`;
}

/**
 * Where each runner first leaves the reference: of every depth the lowest rung that is broken, and there the first
 * measure in the order of the computation. A broken operation (L1) counts once, for all depths.
 * @param reference what the runners are held against, for the sentence
 */
export function firstDivergences(results: readonly RungResult[], reference: string): readonly Divergence[] {
  const failed = results.filter(({ status }) => status === "fail");
  const found: Divergence[] = [];
  for (const { runner, depth } of new Map(
    failed.map((result) => [`${result.runner}|${result.depth}`, result]),
  ).values()) {
    const [first] = failed
      .filter((result) => result.runner === runner && result.depth === depth)
      .sort((a, b) => RUNGS.indexOf(a.rung) - RUNGS.indexOf(b.rung));
    if (first === undefined) continue;
    const { rung, failures } = first;
    found.push({ rung, runner, depth, measure: failures[0] ?? null, sentence: sentenceOf(first, reference) });
  }
  return found;
}

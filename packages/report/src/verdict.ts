import type { ParityReport } from "@thaw/core/parity";
import { RUNGS, type RungResult, type RungStatus, ratioOf } from "@thaw/core/parity";
import { cellTitle, measureText, referenceName, runnerLabel } from "./wording.ts";

const count = (number: number, one: string, many = `${one}s`): string => `${number} ${number === 1 ? one : many}`;

/** Verdicts of one kind, lowest rung first. */
function withStatus({ results }: ParityReport, status: RungStatus): readonly RungResult[] {
  const found = results.filter((result) => result.status === status);
  return found.sort((a, b) => RUNGS.indexOf(a.rung) - RUNGS.indexOf(b.rung));
}

/** `L0, L2 to L4`. */
function rungRange(results: readonly RungResult[]): string {
  const found = RUNGS.filter((rung) => results.some((result) => result.rung === rung));
  const isRun =
    found.length > 1 && RUNGS.indexOf(found.at(-1) ?? "L0") - RUNGS.indexOf(found[0] ?? "L0") === found.length - 1;
  return isRun ? `${found[0]} to ${found.at(-1)}` : found.join(", ");
}

/** Names of runners that took part in something. */
function runnersOf(results: readonly RungResult[]): readonly string[] {
  return [...new Set(results.map(({ runner }) => runner))];
}

/** Why the report did not pass, the gravest reason first. */
function reasonOf(report: ParityReport): string {
  const [failed, errors] = [withStatus(report, "fail"), withStatus(report, "error")];
  const [first] = failed;
  if (first !== undefined) {
    const lowest = `${first.runner} at ${cellTitle(first)}`;
    const others = failed.length === 1 ? "" : `, the lowest of ${failed.length} on ${runnersOf(failed).join(", ")}`;
    const unjudged = errors.length === 0 ? "" : `; ${errors.length} more could not be judged`;
    return `Parity FAILED: ${lowest}${others}${unjudged}`;
  }
  const missing = report.runners.filter((runner) => runner.required && runner.missing !== undefined);
  if (missing.length > 0) {
    return `Parity NOT SHOWN: required but missing: ${missing.map(({ name }) => name).join(", ")}`;
  }
  const [error] = errors;
  if (error !== undefined) {
    const judged = count(errors.length, "verdict");
    return `Parity NOT SHOWN: ${judged} could not be reached, first ${error.runner} at ${cellTitle(error)}`;
  }
  const drift = report.drift?.length ?? 0;
  return drift > 0
    ? `Parity FAILED: ${count(drift, "drift")} from the baseline`
    : "Parity NOT SHOWN: not all was judged";
}

/** The whole report in one line that starts with its sign. */
export function verdictLine(report: ParityReport): string {
  if (!report.passed) return `✗ ${reasonOf(report)}`;
  const passed = withStatus(report, "pass");
  const names = runnersOf(passed).map((name) => runnerLabel(report, name));
  if (names.length === 0) return "– Nothing was judged";
  const depths =
    report.depths.length === 0
      ? ""
      : ` at ${report.depths.length === 1 ? "depth" : "depths"} ${report.depths.join(", ")}`;
  const who = names.length === 1 ? `${names[0]} agrees` : `${names.join("; ")} agree`;
  return `✓ Parity holds: ${who} with ${referenceName(report)} on ${rungRange(passed)}${depths}`;
}

/** The measure of the whole report that is closest to its bound, or furthest above it; empty where there is none. */
export function closestLine({ results }: ParityReport): string {
  let closest: RungResult | undefined;
  for (const result of results) {
    if (result.worst === null) continue;
    if (closest?.worst == null || ratioOf(result.worst) > ratioOf(closest.worst)) closest = result;
  }
  return closest?.worst == null
    ? ""
    : `Closest to a bound: ${closest.runner}, ${cellTitle(closest)}: ${measureText(closest.worst)}`;
}

/** Runners that did not take part, a sentence each. */
export function missingLines({ runners }: ParityReport): readonly string[] {
  return runners.flatMap(({ name, required, missing }) =>
    missing === undefined
      ? []
      : [`${required ? "✗" : "–"} ${name} did not take part (${missing.code}): ${missing.reason} ${missing.hint}`],
  );
}

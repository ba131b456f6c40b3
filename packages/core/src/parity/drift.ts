import type { Environment } from "../runner/environment.ts";
import { environmentChanges } from "./environment-changes.ts";
import { placeText } from "./place.ts";
import {
  type Drift,
  type EquivalenceResult,
  type Measure,
  NOT_FINITE,
  type ParityReport,
  type RungResult,
} from "./report.ts";
import { DRIFT_TOLERANCE } from "./tolerances.ts";
import { pairedTost } from "./tost.ts";
import { ratioOf } from "./verdict.ts";

/** What drifted in one cell, without where and why. */
type Moved = Pick<Drift, "what" | "before" | "now">;

/** Whether a measure grew by more than rounding explains, and to where it matters. Both in parts of the bound. */
function grew(before: number, now: number): boolean {
  return now > DRIFT_TOLERANCE.growth * before && now > DRIFT_TOLERANCE.shareOfBound;
}

/** A measure in parts of its bound, a number that JSON has. */
function partOf(measure: Pick<Measure, "value" | "bound">): number {
  return Math.min(ratioOf(measure), NOT_FINITE);
}

function placeOf({ at, what }: Measure): string {
  const place = placeText(at);
  return place === "" ? what : `${what} (${place})`;
}

function statusMoved(before: RungResult, now: RungResult): readonly Moved[] {
  if (before.status === now.status || before.status === "not-run") return [];
  return [{ what: "status", before: before.status, now: now.status }];
}

/** Whether the worst measure is no larger than what one rounding at the start does to the runner itself (L4). */
function withinNoise({ worst, curve }: RungResult): boolean {
  const point = curve?.find(({ value, bound }) => value === worst?.value && bound === worst.bound);
  return point?.selfNoise !== undefined && point.value <= point.selfNoise;
}

/** The measure that grew: the worst one, else the point of the curve that grew and is highest. */
function measureMoved(before: RungResult, now: RungResult): readonly Moved[] {
  if (before.worst === null || now.worst === null) return [];
  const worst = { before: partOf(before.worst), now: partOf(now.worst) };
  if (withinNoise(now)) return [];
  if (grew(worst.before, worst.now)) return [{ what: `worst part of its bound: ${placeOf(now.worst)}`, ...worst }];
  const old = new Map(before.curve?.map((point) => [point.name, partOf(point)]));
  const points = (now.curve ?? [])
    .flatMap((point) => {
      const was = old.get(point.name);
      return was === undefined ? [] : [{ name: point.name, before: was, now: partOf(point) }];
    })
    .filter((point) => grew(point.before, point.now))
    .sort((a, b) => b.now - a.now);
  return points.slice(0, 1).map(({ name, ...values }) => ({ what: `part of its bound at ${name}`, ...values }));
}

/** A bound that was loosened hides what grew below it. Those of L4 follow the self-noise, which nobody sets. */
function boundMoved(before: RungResult, now: RungResult): readonly Moved[] {
  if (now.rung === "L4") return [];
  if (before.worst === null || now.worst === null || placeOf(before.worst) !== placeOf(now.worst)) return [];
  const [was, is] = [before.worst.bound, now.worst.bound];
  return is > DRIFT_TOLERANCE.growth * was ? [{ what: `bound: ${placeOf(now.worst)}`, before: was, now: is }] : [];
}

function coverageMoved(before: RungResult, now: RungResult): readonly Moved[] {
  if (now.status === "not-run" || now.status === "error" || now.checks >= before.checks) return [];
  return [{ what: "numbers held against bounds", before: before.checks, now: now.checks }];
}

/** The test accuracies of the seeds that both reports have: moved by more than delta on average, and not by chance. */
function accuracyMoved(before: EquivalenceResult | undefined, now: EquivalenceResult | undefined): readonly Moved[] {
  if (before === undefined || now === undefined) return [];
  const shared = now.seeds.filter((seed) => before.seeds.includes(seed));
  if (shared.length < 2) return [];
  const [was, is] = [before, now].map(({ seeds, accuracies }) =>
    shared.map((seed) => accuracies.runner[seeds.indexOf(seed)] ?? Number.NaN),
  );
  const mean = (values: readonly number[] = []): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const moved = pairedTost(
    (is ?? []).map((value, index) => value - (was?.[index] ?? Number.NaN)),
    now,
  );
  const byChance = moved.interval[0] <= 0 && moved.interval[1] >= 0;
  if (Math.abs(moved.mean) <= now.delta || byChance) return [];
  return [{ what: `mean test accuracy over ${shared.length} seeds, %`, before: mean(was), now: mean(is) }];
}

/** Why a runner's numbers may have moved: Thaw itself, the runner's environment, the reference's. */
function causesOf(baseline: ParityReport, now: ParityReport, runner: string): readonly string[] {
  const environmentOf = ({ runners }: ParityReport): Environment | null =>
    runners.find(({ name }) => name === runner)?.environment ?? null;
  const [was, is] = [baseline.reference, now.reference].map(({ runner: name, dtype }) => `${name} ${dtype}`);
  return [
    ...(baseline.thawVersion === now.thawVersion ? [] : [`Thaw: ${baseline.thawVersion} → ${now.thawVersion}`]),
    ...environmentChanges(environmentOf(baseline), environmentOf(now)),
    ...(was === is
      ? environmentChanges(baseline.reference.environment, now.reference.environment).map((text) => `reference ${text}`)
      : [`reference: ${was} → ${is}`]),
  ];
}

/**
 * What drifted since a recorded report of the same experiment: verdicts, measures that grew, bounds that were
 * loosened, checks that are gone, accuracies that moved. Only what both reports judged is compared.
 * @param baseline the recorded report
 * @returns in the order of the new report's results; empty where all is as it was
 */
export function compareReports(baseline: ParityReport, now: ParityReport): readonly Drift[] {
  return now.results.flatMap((result) => {
    const { rung, runner, depth } = result;
    const same = (cell: { readonly runner: string; readonly depth: string | null }): boolean =>
      cell.runner === runner && cell.depth === depth;
    const before = baseline.results.find((cell) => cell.rung === rung && same(cell));
    if (before === undefined) return [];
    const moved = [
      ...statusMoved(before, result),
      ...measureMoved(before, result),
      ...boundMoved(before, result),
      ...coverageMoved(before, result),
      ...(rung === "L5" ? accuracyMoved(baseline.equivalence.find(same), now.equivalence.find(same)) : []),
    ];
    if (moved.length === 0) return [];
    const changes = causesOf(baseline, now, runner);
    return moved.map((values) => ({ rung, runner, depth, ...values, environmentChanges: changes }));
  });
}

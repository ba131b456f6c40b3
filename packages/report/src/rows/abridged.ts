import type { ReportRow, RowGroup } from "./report-rows.ts";
import { scoreOf } from "./score.ts";

/** What a page shows at most of a large sweep: it is to open in a browser, and to be read. */
export const MOST = {
  /** Rows of the table. */
  rows: 400,
  /** Runs with their epochs, spec and hashes. */
  runs: 400,
  /** Seeds of a row, one by one: curves, ticks, counts. */
  seeds: 24,
  /** Lines of the file with every epoch. */
  epochLines: 50_000,
} as const;

/** Groups with fewer rows, and how many there were. */
export interface AbridgedGroups {
  readonly groups: readonly RowGroup[];
  readonly shown: number;
  readonly rows: number;
}

/** Keeps the rows with the highest validation accuracy, in the order in which they stood. */
export function abridgedGroups(groups: readonly RowGroup[]): AbridgedGroups {
  const all = groups.flatMap(({ rows }) => rows);
  if (all.length <= MOST.rows) return { groups, shown: all.length, rows: all.length };
  const accuracy = (row: ReportRow): number => scoreOf(row, "validation")?.accuracy ?? -1;
  const ranked = all.map((row) => ({ row, value: accuracy(row) })).sort((a, b) => b.value - a.value);
  const kept = new Set(ranked.slice(0, MOST.rows).map(({ row }) => row));
  const fewer = groups.flatMap(({ name, rows }) => {
    const own = rows.filter((row) => kept.has(row));
    return own.length === 0 ? [] : [{ name, rows: own }];
  });
  return { groups: fewer, shown: kept.size, rows: all.length };
}

/** Seeds in words: `1, 2, 3`, and of many their number and where they begin and end. */
export function seedList(seeds: readonly number[]): string {
  if (seeds.length <= MOST.seeds) return seeds.join(", ");
  const low = seeds.reduce((least, seed) => Math.min(least, seed), Number.POSITIVE_INFINITY);
  const high = seeds.reduce((most, seed) => Math.max(most, seed), Number.NEGATIVE_INFINITY);
  return `${low} to ${high} (${seeds.length} of them)`;
}

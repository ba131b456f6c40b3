import type { NamedGrid, ShardManifest } from "./grid-files.ts";
import { type Shard, shardText } from "./shard.ts";
import { splitCells } from "./split.ts";

/** Cells of one shard that have no result, and why. */
export interface MissingCells {
  readonly shard: Shard;
  readonly cells: readonly string[];
  readonly reason: string;
}

/** Joins what several folders say of one shard: run twice, it has done what either has. */
export function joinManifests(manifests: readonly ShardManifest[]): readonly ShardManifest[] {
  const joined = new Map<string, ShardManifest>();
  const key = ({ grid, shard }: ShardManifest): string => `${grid} ${shardText(shard)}`;
  for (const manifest of manifests) {
    const { cells, done, failed } = joined.get(key(manifest)) ?? { cells: manifest.cells, done: [], failed: [] };
    const allDone = new Set([...done, ...manifest.done]);
    const failures = new Map([...failed, ...manifest.failed].sort(byText).map((entry) => [entry.cell, entry]));
    joined.set(key(manifest), {
      ...manifest,
      cells,
      done: cells.filter((cell) => allDone.has(cell)),
      failed: cells.flatMap((cell) => (allDone.has(cell) ? [] : (failures.get(cell) ?? []))),
    });
  }
  return [...joined].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, manifest]) => manifest);
}

function byText(a: object, b: object): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}

function reasonOf(manifest: ShardManifest | undefined, cells: readonly string[]): string {
  if (manifest === undefined) return "none of the folders is of this shard";
  const lost = cells.filter((cell) => manifest.done.includes(cell)).length;
  const failures = manifest.failed.filter(({ cell }) => cells.includes(cell));
  const parts = [
    ...(lost === 0 ? [] : [`${lost} were done, and their results are gone`]),
    ...failures.map(({ cell, code }) => `${cell} failed (${code})`),
    ...(lost + failures.length === cells.length ? [] : ["it was not run to its end"]),
  ];
  return parts.join("; ");
}

/**
 * The cells of a grid that have no result, by shard.
 * @param manifests of any grid; those of this one say into how many shards it was split
 */
export function missingCells(
  { hash, table }: NamedGrid,
  manifests: readonly ShardManifest[],
  there: ReadonlySet<string>,
): readonly MissingCells[] {
  const own = manifests.filter(({ grid }) => grid === hash);
  if (table.cells.every(({ cell }) => there.has(cell))) return [];
  return [...new Set(own.map(({ shard }) => shard.count))].flatMap((count) => {
    const shards = splitCells(table.cells, count);
    return Array.from({ length: count }, (_, at) => at + 1).flatMap((index): MissingCells[] => {
      const cells = table.cells.flatMap(({ cell }, at) => (shards[at] === index && !there.has(cell) ? [cell] : []));
      const manifest = own.find(({ shard }) => shard.index === index && shard.count === count);
      return cells.length === 0 ? [] : [{ shard: { index, count }, cells, reason: reasonOf(manifest, cells) }];
    });
  });
}

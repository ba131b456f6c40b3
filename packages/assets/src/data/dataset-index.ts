import { join } from "node:path";
import type { Dataset } from "@thaw/core";
import { sha256 } from "../sha256.ts";
import type { Unreadable } from "./folder-listing.ts";
import type { DatasetCache } from "./load-options.ts";
import { readSealed, writeSealed } from "./sealed-file.ts";

/** A decoded set as its index file keeps it; its `source` belongs to the load, not to the content. */
export interface IndexedDataset {
  readonly dataset: Omit<Dataset, "source">;
  readonly unreadable: readonly Unreadable[];
}

const FORMAT = 1;

/** The name of a set in the cache: a hash over everything that decides its pixels, labels and names. */
export function datasetKey(parts: Readonly<Record<string, unknown>>): string {
  return sha256(Buffer.from(JSON.stringify({ format: FORMAT, ...parts })));
}

function indexPath(cacheDir: string, key: string): string {
  return join(cacheDir, "datasets", `${key}.json`);
}

/** True if the lists of a set belong together. */
function isWhole({ dataset, unreadable }: IndexedDataset): boolean {
  const count = dataset.shards.reduce((sum, shard) => sum + shard.count, 0);
  const imageBytes = dataset.imageShape.reduce((product, side) => product * side, 1);
  const lists = [dataset.labels, dataset.ids, dataset.hashes, dataset.groups ?? dataset.ids];
  return (
    Array.isArray(unreadable) &&
    lists.every((list) => list.length === count) &&
    dataset.shards.every((shard) => shard.bytes === shard.count * imageBytes)
  );
}

/** Finds a decoded set whose index and every shard are intact; anything else is a miss, and the set is decoded again. */
export async function findDataset(key: string, cache: DatasetCache): Promise<IndexedDataset | undefined> {
  try {
    const index = (await readSealed(indexPath(cache.cacheDir, key))) as (IndexedDataset & { key?: string }) | undefined;
    if (index?.key !== key || !isWhole(index)) return undefined;
    for (const shard of index.dataset.shards) await cache.store.read(shard); // checks the hash, removes what is damaged
    return { dataset: index.dataset, unreadable: index.unreadable };
  } catch {
    return undefined; // absent, or damaged
  }
}

/** Writes a set's index, atomically. */
export async function keepDataset(key: string, cache: DatasetCache, indexed: IndexedDataset): Promise<void> {
  await writeSealed(indexPath(cache.cacheDir, key), { key, ...indexed });
}

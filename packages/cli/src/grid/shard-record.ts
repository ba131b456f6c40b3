import { FORMATS, hashOf, type SerializedError, type Sweep } from "@thaw/core";
import {
  type GridCell,
  type GridTable,
  type ShardManifest,
  sweepHash,
  writeManifest,
  writeTable,
} from "./grid-files.ts";
import type { Shard } from "./shard.ts";
import { splitCells } from "./split.ts";

/** Keeps a shard's manifest up to date while its cells run. */
export interface ShardRecord {
  /** Whether a cell is this shard's. */
  has(cell: string): boolean;
  done(cell: string): Promise<void>;
  failed(cell: string, failure: SerializedError): Promise<void>;
  /** Writes what has not been written yet. */
  close(): Promise<void>;
}

/** A manifest is written at most so often: it has a line for each cell, and cells may be done by the thousand. */
const WRITE_EVERY_MS = 5000;

/**
 * Splits a sweep, and says in the folder of results which cells there are and which of them this shard is to run.
 * @param cells of all shards, in the order of the sweep
 * @throws ThawError `result-unwritable`
 */
export async function openShard(
  folder: string,
  sweep: Sweep,
  cells: readonly GridCell[],
  shard: Shard,
): Promise<ShardRecord> {
  const table: GridTable = {
    version: FORMATS.gridTable.version,
    sweep: { name: sweep.name, hash: await sweepHash(sweep) },
    cells: [...cells],
  };
  const grid = await hashOf(table);
  const shards = splitCells(cells, shard.count);
  const own = cells.filter((_, at) => shards[at] === shard.index).map(({ cell }) => cell);
  const isOwn = new Set(own);
  const isDone = new Set<string>();
  const failures = new Map<string, ShardManifest["failed"][number]>();
  const write = async (): Promise<void> => {
    const done = own.filter((cell) => isDone.has(cell));
    await writeManifest(folder, {
      version: FORMATS.shardManifest.version,
      grid,
      shard,
      cells: own,
      done,
      failed: [...failures.values()],
    });
  };
  await writeTable(folder, { hash: grid, table });
  await write();
  let writtenMs = performance.now();
  // One after the other: cells that run beside each other end when they like.
  let writing = Promise.resolve();
  const changed = (): Promise<void> => {
    if (performance.now() - writtenMs >= WRITE_EVERY_MS) {
      writtenMs = performance.now();
      writing = writing.then(write);
    }
    return writing;
  };
  return {
    has: (cell) => isOwn.has(cell),
    async done(cell) {
      isDone.add(cell);
      failures.delete(cell);
      await changed();
    },
    async failed(cell, { code, message }) {
      failures.set(cell, { cell, code, message });
      await changed();
    },
    async close() {
      await writing;
      await write();
    },
  };
}

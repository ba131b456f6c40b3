import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { FORMATS, hashOf, parseJson, type Sweep, ThawError, upgraded } from "@thaw/core";
import { z } from "zod";
import { writeWholeFile } from "../whole-file.ts";
import { shardText } from "./shard.ts";

const cellName = z.string().regex(/^[^./\\][^/\\]*-[0-9a-f]{12}$/);
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const shardShape = z
  .object({ index: z.int().min(1), count: z.int().min(1) })
  .refine(({ index, count }) => index <= count);

export const tableShape = z.object({
  version: z.literal(FORMATS.gridTable.version),
  sweep: z.object({ name: z.string(), hash }),
  cells: z.array(
    z.object({
      cell: cellName,
      group: z.string(),
      label: z.string(),
      runner: z.string(),
      cost: z.number().nonnegative(),
    }),
  ),
});

export const manifestShape = z.object({
  version: z.literal(FORMATS.shardManifest.version),
  grid: hash,
  shard: shardShape,
  cells: z.array(cellName),
  done: z.array(cellName),
  failed: z.array(z.object({ cell: cellName, code: z.string(), message: z.string() })),
});

/** Every cell that the shards of a sweep have between them, in the order of the sweep. The same file in each shard. */
export type GridTable = z.output<typeof tableShape>;
export type GridCell = GridTable["cells"][number];
/** What one shard was to run, and what it has run. */
export type ShardManifest = z.output<typeof manifestShape>;

/** A table with its hash, which is its name. */
export interface NamedGrid {
  readonly hash: string;
  readonly table: GridTable;
}

/** The grid's files of one folder of results, and which of them cannot be read. */
export interface GridFolder {
  readonly grids: readonly NamedGrid[];
  readonly manifests: readonly ShardManifest[];
  readonly problems: readonly string[];
}

const FOLDER = "grid";
const HINT = "Check the folder's rights and the free space, or choose another with --out.";

/** Names a sweep by what it asks for. */
export function sweepHash({ $schema: _schema, ...sweep }: Sweep): Promise<string> {
  return hashOf(sweep);
}

function tableFile(folder: string, gridHash: string): string {
  return join(folder, FOLDER, `${gridHash.slice(0, 16)}.json`);
}

function manifestFile(folder: string, { grid, shard }: ShardManifest): string {
  return join(folder, FOLDER, `${grid.slice(0, 16)}.shard-${shard.index}-of-${shard.count}.json`);
}

/** Puts a table beside the results, in their folder `grid`. @throws ThawError `result-unwritable` */
export async function writeTable(folder: string, { hash: gridHash, table }: NamedGrid): Promise<void> {
  await writeWholeFile(tableFile(folder, gridHash), `${JSON.stringify(table)}\n`, { earlier: "replace", hint: HINT });
}

/** Puts a shard's manifest beside the results, over its earlier state. @throws ThawError `result-unwritable` */
export async function writeManifest(folder: string, manifest: ShardManifest): Promise<void> {
  const text = `${JSON.stringify(manifest, null, 1)}\n`;
  await writeWholeFile(manifestFile(folder, manifest), text, { earlier: "replace", hint: HINT });
}

/** Tables that were read before, by their text: each shard has the same one, with a line for every cell of the sweep. */
export type ReadTables = Map<string, NamedGrid>;

async function parseFile(file: string, tables: ReadTables): Promise<NamedGrid | ShardManifest | string> {
  let text: string;
  let document: unknown;
  try {
    text = await readFile(file, "utf8");
    const known = tables.get(text);
    if (known !== undefined && tableFile("", known.hash) === join(FOLDER, basename(file))) return known;
    document = parseJson(text);
  } catch (cause) {
    return `${file} cannot be read: ${(cause as Error).message}`;
  }
  if (/\.shard-\d+-of-\d+\.json$/.test(file)) {
    const manifest = manifestShape.safeParse(upgraded(FORMATS.shardManifest, document, file));
    if (!manifest.success) return `${file} is no manifest of a shard`;
    return manifestFile("", manifest.data) === join(FOLDER, basename(file))
      ? manifest.data
      : `${file} is the manifest of shard ${shardText(manifest.data.shard)} under another name`;
  }
  const table = tableShape.safeParse(upgraded(FORMATS.gridTable, document, file));
  if (!table.success) return `${file} is no table of a grid's cells`;
  const gridHash = await hashOf(document);
  if (tableFile("", gridHash) !== join(FOLDER, basename(file))) {
    return `${file} was changed: its name is no longer its hash`;
  }
  const grid = { hash: gridHash, table: table.data };
  tables.set(text, grid);
  return grid;
}

/**
 * Reads what shards have left in a folder of results; nothing where it has no grid.
 * @param tables those of folders that were read before, to be shared
 * @throws ThawError `result-unreadable` where there is no such folder, `version-newer`
 */
export async function readGridFolder(folder: string, tables: ReadTables = new Map()): Promise<GridFolder> {
  await readdir(folder).catch((cause: unknown) => {
    throw new ThawError("result-unreadable", `${folder}: ${(cause as Error).message}.`, {
      hint: "Give the folders that `thaw sweep --shard` wrote to with --out.",
      cause,
    });
  });
  const names = await readdir(join(folder, FOLDER)).catch(() => []);
  const grids: NamedGrid[] = [];
  const manifests: ShardManifest[] = [];
  const problems: string[] = [];
  for (const name of names.filter((entry) => entry.endsWith(".json")).sort()) {
    const parsed = await parseFile(join(folder, FOLDER, name), tables);
    if (typeof parsed === "string") problems.push(parsed);
    else if ("table" in parsed) grids.push(parsed);
    else manifests.push(parsed);
  }
  return { grids, manifests, problems };
}

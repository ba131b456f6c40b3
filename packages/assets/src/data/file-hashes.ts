import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../sha256.ts";
import type { ListedFile } from "./folder-listing.ts";
import type { DatasetCache } from "./load-options.ts";
import { readSealed, writeSealed } from "./sealed-file.ts";

/** What a file looked like when it was hashed. */
interface HashedFile {
  readonly bytes: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly hashedAtMs: number;
  readonly sha256: string;
}

/** Remembers the content hashes of a folder's files, so that an unchanged file is not read again. */
export interface FileHashes {
  /** SHA-256 of a file's content. @throws the error of the file system if it cannot be read */
  of(file: ListedFile): Promise<string>;
  /** Writes down what was learnt; entries of files that are gone are dropped. */
  keep(present: readonly ListedFile[]): Promise<void>;
}

/** A file changed so shortly before it was hashed may change again within the clock's grain: such a hash is not reused. */
const SETTLED_MS = 2000;
const FORMAT = 1;

/** SHA-256 of a file, read in pieces. */
async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest("hex");
}

async function readIndex(path: string, root: string): Promise<Map<string, HashedFile>> {
  const index = (await readSealed(path)) as { format?: unknown; root?: unknown; files?: object } | undefined;
  const isKnown = index?.format === FORMAT && index.root === root;
  return new Map(Object.entries(isKnown ? (index.files ?? {}) : {})); // else the files are hashed again
}

/**
 * Opens the hashes of a folder. A file counts as unchanged while its size, modification and change times stay.
 * @param root the folder, links resolved
 */
export async function openFileHashes(root: string, { cacheDir }: Pick<DatasetCache, "cacheDir">): Promise<FileHashes> {
  const name = sha256(Buffer.from(root)).slice(0, 32);
  const path = join(cacheDir, "datasets", `files-${name}.json`);
  const known = await readIndex(path, root);
  let changed = false;
  return {
    async of(file) {
      const entry = known.get(file.path);
      const { bytes, mtimeMs, ctimeMs } = file;
      if (entry !== undefined && entry.bytes === bytes && entry.mtimeMs === mtimeMs && entry.ctimeMs === ctimeMs) {
        if (Math.max(mtimeMs, ctimeMs) < entry.hashedAtMs - SETTLED_MS) return entry.sha256;
      }
      const hashedAtMs = Date.now();
      const hash = await sha256OfFile(join(root, file.path));
      known.set(file.path, { bytes, mtimeMs, ctimeMs, hashedAtMs, sha256: hash });
      changed = true;
      return hash;
    },
    async keep(present) {
      if (!changed) return;
      const files = Object.fromEntries(
        present.flatMap(({ path: file }) => {
          const entry = known.get(file);
          return entry === undefined ? [] : [[file, entry] as const];
        }),
      );
      await writeSealed(path, { format: FORMAT, root, files });
    },
  };
}

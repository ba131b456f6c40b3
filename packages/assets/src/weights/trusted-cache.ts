import { readFile, rm } from "node:fs/promises";
import { writeFileAtomic } from "../atomic-file.ts";
import { sha256 } from "../sha256.ts";

/** A cached file and the hash that it must have: pinned, or recorded when it first came. */
export interface TrustedFile {
  readonly bytes: Uint8Array | null;
  readonly expectedSha256: string | null;
  /** A file was there but had another hash; it was removed. */
  readonly wasDamaged: boolean;
}

function recordOf(path: string): string {
  return `${path}.sha256`;
}

/**
 * Reads a file of the cache. With no pin, the hash recorded beside it at its first use counts; a file put there by hand
 * has none yet, and gets it now. A file of another hash is removed, so that it is fetched anew.
 */
export async function readTrusted(path: string, pinned: string | undefined): Promise<TrustedFile> {
  const record = pinned === undefined ? await readFile(recordOf(path), "utf8").catch(() => null) : null;
  const recorded = record === null ? null : (/^[0-9a-f]{64}/.exec(record)?.[0] ?? null);
  const expectedSha256 = pinned ?? recorded;
  const bytes = await readFile(path).catch(() => null);
  if (bytes === null) return { bytes, expectedSha256, wasDamaged: false };
  const found = sha256(bytes);
  if (expectedSha256 === null) await writeFileAtomic(recordOf(path), `${found}\n`);
  if (expectedSha256 === null || found === expectedSha256) return { bytes, expectedSha256: found, wasDamaged: false };
  await rm(path, { force: true });
  return { bytes: null, expectedSha256, wasDamaged: true };
}

/** Keeps a file that was fetched and checked. The record comes first: a file without one is trusted on its next use only as it is. */
export async function writeTrusted(path: string, bytes: Uint8Array): Promise<void> {
  await writeFileAtomic(recordOf(path), `${sha256(bytes)}\n`);
  await writeFileAtomic(path, bytes);
}

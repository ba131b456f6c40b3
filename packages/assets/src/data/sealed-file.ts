import { readFile } from "node:fs/promises";
import { parseJson } from "@thaw/core";
import { writeFileAtomic } from "../atomic-file.ts";
import { sha256 } from "../sha256.ts";

/** A document of the cache with the hash of its own text: a changed label would train without a word. */
interface Sealed {
  readonly sha256: string;
  readonly content: unknown;
}

function sealOf(content: unknown): string {
  return sha256(Buffer.from(JSON.stringify(content)));
}

/**
 * Reads a document that {@link writeSealed} wrote.
 * @returns undefined where it is absent, damaged, or of an older Thaw: what it says is then worked out again
 */
export async function readSealed(path: string): Promise<unknown> {
  try {
    const { sha256: seal, content } = parseJson(await readFile(path, "utf8")) as Sealed;
    return sealOf(content) === seal ? content : undefined;
  } catch {
    return undefined;
  }
}

/** Writes a document with its hash, atomically. */
export async function writeSealed(path: string, content: unknown): Promise<void> {
  const sealed: Sealed = { sha256: sealOf(content), content };
  await writeFileAtomic(path, JSON.stringify(sealed));
}

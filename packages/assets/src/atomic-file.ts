import { randomBytes } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { ThawError } from "@thaw/core";

/**
 * Writes a file so that a reader sees the whole of it or nothing: a temporary file beside it, fsync, rename.
 * A process killed half-way leaves at most a `*.tmp` that nothing reads; a failed write leaves none.
 * @throws ThawError `cache-unusable`
 */
export async function writeFileAtomic(path: string, bytes: Uint8Array | string): Promise<void> {
  const temporary = `${path}.${process.pid}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined); // else this error hides the first one
    throw new ThawError("cache-unusable", `${path} cannot be written: ${(cause as Error).message}.`, {
      hint: "Free some space, or set THAW_CACHE to a folder that you may write to.",
      cause,
    });
  }
}

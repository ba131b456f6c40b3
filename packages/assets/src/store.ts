import { readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type BlobRef, blobPath, ThawError } from "@thaw/core";
import { writeFileAtomic } from "./atomic-file.ts";
import { sha256 } from "./sha256.ts";

/** Bytes under their own SHA-256, in files below one folder. */
export interface Store {
  readonly folder: string;
  /** Keeps the bytes; what is there already and whole is left alone. */
  put(bytes: Uint8Array): Promise<BlobRef>;
  /** Where a blob's file lies, whether or not it exists. */
  pathOf(sha256: string): string;
  /** Whether a file of the right size is there; its bytes are checked by `read`. */
  has(ref: BlobRef): Promise<boolean>;
  /**
   * Reads a blob and checks its size and hash.
   * @throws ThawError `blob-missing`; `blob-corrupt`, after removing the file so that it is made anew
   */
  read(ref: BlobRef): Promise<Uint8Array>;
}

/** Opens the content-addressed store `<folder>/blobs/<aa>/<sha256>`; folders are made when first needed. */
export function openStore(folder: string): Store {
  function pathOf(hash: string): string {
    if (!/^[0-9a-f]{64}$/.test(hash)) {
      throw new ThawError("blob-missing", `"${hash}" is no SHA-256 in lower-case hex.`, {
        hint: "The reference to the blob is damaged: make it again by running the step that wrote it.",
      });
    }
    return join(folder, blobPath(hash));
  }

  async function sizeOf(hash: string): Promise<number | null> {
    const found = await stat(pathOf(hash)).catch(() => null);
    return found?.isFile() ? found.size : null;
  }

  return {
    folder,
    pathOf,
    async put(bytes) {
      const ref: BlobRef = { sha256: sha256(bytes), bytes: bytes.byteLength };
      const path = pathOf(ref.sha256);
      const isWhole =
        (await sizeOf(ref.sha256)) === ref.bytes &&
        sha256(await readFile(path).catch(() => new Uint8Array())) === ref.sha256;
      if (!isWhole) await writeFileAtomic(path, bytes);
      return ref;
    },
    has: async (ref) => (await sizeOf(ref.sha256)) === ref.bytes,
    async read(ref) {
      const path = pathOf(ref.sha256);
      const bytes = await readFile(path).catch((cause: unknown) => {
        throw new ThawError("blob-missing", `The store has no readable blob ${ref.sha256} at ${path}.`, {
          hint: "Run the step that makes it again (weights and images are rebuilt from their sources).",
          cause,
        });
      });
      const found = sha256(bytes);
      if (found === ref.sha256 && bytes.byteLength === ref.bytes) return bytes;
      await rm(path, { force: true });
      throw new ThawError(
        "blob-corrupt",
        `Blob ${ref.sha256} in the store is damaged: expected ${ref.bytes} bytes with that hash, found ${bytes.byteLength} with ${found}.`,
        { hint: "The damaged file was removed; run again and it is made anew.", details: { path } },
      );
    },
  };
}

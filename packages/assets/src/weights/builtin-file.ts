import { readFile } from "node:fs/promises";
import { ThawError } from "@thaw/core";
import type { Pin } from "../pins.ts";
import { sha256 } from "../sha256.ts";

/** A weight file of a built-in id, read and accepted. */
export interface BuiltinFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Whether its hash was known to the project beforehand. */
  readonly pinned: boolean;
}

/**
 * Reads a file that stands for a built-in id.
 * @throws ThawError `hash-mismatch` if it is not the file that the pin knows
 */
export async function readBuiltinFile(path: string, pin: Pin | undefined): Promise<BuiltinFile> {
  const bytes = await readFile(path);
  const found = sha256(bytes);
  if (pin?.sha256 !== undefined && found !== pin.sha256) {
    throw new ThawError("hash-mismatch", `${path} has SHA-256 ${found}, expected ${pin.sha256}.`, {
      hint: "Put the original file there, or name your own file by its path in the spec's weights.",
      details: { path, expected: pin.sha256, found },
    });
  }
  return { path, bytes, pinned: pin?.sha256 !== undefined };
}

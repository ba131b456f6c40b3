import { rename, rm, writeFile } from "node:fs/promises";

/**
 * Writes a file whole or not at all.
 * @returns the file's path
 */
export async function writeAtomically(file: string, bytes: Uint8Array): Promise<string> {
  const temporary = `${file}.${process.pid}.part`;
  try {
    await writeFile(temporary, bytes, { flush: true });
    await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
  return file;
}

import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/**
 * Makes a folder and those above it.
 * @throws the file system's own error; Node's recursive `mkdir` says of a read-only disk that the folder does not exist
 */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    let first = resolve(folder);
    while (!existsSync(dirname(first))) first = dirname(first);
    await mkdir(first); // says why
    throw error;
  }
}

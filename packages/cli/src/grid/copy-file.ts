import { constants } from "node:fs";
import { copyFile, link, mkdir, open, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { ThawError } from "@thaw/core";

/** Where files lie until they are whole; emptied by whoever comes next, so that a killed copy leaves nothing for good. */
const STAGING = ".merge";

/** Copies files into a folder, each whole or not at all, and never over another. */
export interface FileCopier {
  /**
   * @returns false where a file of that name is there
   * @throws ThawError `result-unwritable`
   */
  copy(from: string, name: string): Promise<boolean>;
  close(): Promise<void>;
}

/** @throws ThawError `result-unwritable` */
export async function openCopier(folder: string): Promise<FileCopier> {
  const staging = join(folder, STAGING);
  const unwritable = (file: string, cause: unknown): ThawError =>
    new ThawError("result-unwritable", `${file} cannot be written: ${(cause as Error).message}.`, {
      hint: "Check the folder's rights and the free space; the same command goes on where this one stopped.",
      cause,
    });
  try {
    await rm(staging, { recursive: true, force: true });
    await mkdir(staging, { recursive: true });
  } catch (cause) {
    throw unwritable(folder, cause);
  }
  return {
    async copy(from, name) {
      const part = join(staging, basename(name));
      try {
        await copyFile(from, part, constants.COPYFILE_FICLONE);
        const handle = await open(part, "r+");
        await handle.sync().finally(() => handle.close());
        await link(part, join(folder, name));
        return true;
      } catch (cause) {
        const { code, syscall } = cause as NodeJS.ErrnoException;
        if (code === "EEXIST" && syscall === "link") return false;
        throw unwritable(join(folder, name), cause);
      } finally {
        await rm(part, { force: true }).catch(() => undefined); // else this error hides the first one
      }
    },
    close: () => rm(staging, { recursive: true, force: true }),
  };
}

import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { CheckpointRequest, CheckpointStore } from "@thaw/core";
import { writeAtomically } from "./atomic-file.ts";
import { makeFolder } from "./make-folder.ts";

/** Keeps a run's checkpoint in the file that is asked for; its folder is made. */
export function checkpointFile({ file, everyMs, by }: CheckpointRequest): CheckpointStore {
  return {
    everyMs,
    by,
    async read() {
      try {
        return await readFile(file);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
        throw error;
      }
    },
    async write(bytes) {
      await makeFolder(dirname(file));
      await writeAtomically(file, bytes);
    },
  };
}

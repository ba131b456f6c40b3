import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { blobPath, type Host, type RunOptions } from "@thaw/core";
import { writeAtomically } from "./atomic-file.ts";

/** The part of a host that reads and writes files: blobs from the store, and what a run is asked to leave behind. */
export function fileHost({
  storeDir,
  exportWeights,
  trace,
}: RunOptions): Pick<Host, "readBlob" | "writeWeights" | "trace"> {
  return {
    readBlob: ({ sha256 }) => readFile(join(storeDir, blobPath(sha256))),
    ...(exportWeights === undefined ? {} : { writeWeights: (bytes) => writeAtomically(exportWeights, bytes) }),
    ...(trace === undefined
      ? {}
      : {
          trace: {
            weightsAt: trace.weightsAt,
            write: (name: string, bytes: Uint8Array) => writeAtomically(join(trace.folder, name), bytes),
          },
        }),
  };
}

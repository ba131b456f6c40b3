import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { blobPath, type Host, type RunOptions } from "@thaw/core";
import { writeAtomically } from "./atomic-file.ts";
import { cacheFolder } from "./cache-folder.ts";
import { openFeatureFiles } from "./feature-files.ts";

/** The part of a host that reads and writes files: blobs from the store, kept features, what a run is asked to leave. */
export function fileHost({
  storeDir,
  exportWeights,
  trace,
  cache,
}: RunOptions): Pick<Host, "readBlob" | "writeWeights" | "trace" | "cache" | "openFeatureFiles"> {
  return {
    readBlob: ({ sha256 }) => readFile(join(storeDir, blobPath(sha256))),
    ...(cache === undefined ? {} : { cache }),
    openFeatureFiles: (key, plan) =>
      openFeatureFiles(join(cacheFolder(process.env), "features"), key, plan, cache?.diskBytes ?? 0),
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

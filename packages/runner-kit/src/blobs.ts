import { closeSync, openSync, readSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type BlobReader, blobPath, type Host, type RunOptions } from "@thaw/core";
import { writeAtomically } from "./atomic-file.ts";
import { cacheFolder } from "./cache-folder.ts";
import { checkpointFile } from "./checkpoint-file.ts";
import { openFeatureFiles } from "./feature-files.ts";

function openForReading(path: string): BlobReader {
  const file = openSync(path, "r");
  return {
    readInto(offset, into) {
      for (let done = 0; done < into.length; ) {
        const count = readSync(file, into, done, into.length - done, offset + done);
        if (count === 0) throw new Error(`${path} ends after ${offset + done} bytes.`);
        done += count;
      }
    },
    close: () => closeSync(file),
  };
}

/** The part of a host that reads and writes files: blobs from the store, kept features, what a run is asked to leave. */
export function fileHost({
  storeDir,
  exportWeights,
  trace,
  cache,
  checkpoint,
}: RunOptions): Pick<
  Host,
  "readBlob" | "openBlob" | "writeWeights" | "trace" | "cache" | "openFeatureFiles" | "checkpoints"
> {
  return {
    readBlob: ({ sha256 }) => readFile(join(storeDir, blobPath(sha256))),
    openBlob: async ({ sha256 }) => openForReading(join(storeDir, blobPath(sha256))),
    ...(cache === undefined ? {} : { cache }),
    openFeatureFiles: (key, plan) =>
      openFeatureFiles(join(cacheFolder(process.env), "features"), key, plan, cache?.diskBytes ?? 0),
    ...(exportWeights === undefined ? {} : { writeWeights: (bytes) => writeAtomically(exportWeights, bytes) }),
    ...(checkpoint === undefined ? {} : { checkpoints: checkpointFile(checkpoint) }),
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

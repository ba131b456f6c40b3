import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { blobPath, type Host, type RunOptions } from "@thaw/core";
import { writeAtomically } from "./atomic-file.ts";

/** The part of a host that reads and writes files: blobs from the store, final weights where they are asked for. */
export function fileHost({ storeDir, exportWeights }: RunOptions): Pick<Host, "readBlob" | "writeWeights"> {
  return {
    readBlob: ({ sha256 }) => readFile(join(storeDir, blobPath(sha256))),
    ...(exportWeights === undefined ? {} : { writeWeights: (bytes) => writeAtomically(exportWeights, bytes) }),
  };
}

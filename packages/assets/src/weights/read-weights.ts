import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { type Layer, type NamedTensors, parseSafetensors, ThawError } from "@thaw/core";
import { sha256 } from "../sha256.ts";
import { readHdf5 } from "./hdf5.ts";
import { readKerasZip } from "./keras-zip.ts";
import { MAX_WEIGHT_BYTES } from "./limits.ts";
import { withKeras3Names } from "./tensor-names.ts";
import { readTfjsLayers } from "./tfjs-layers.ts";
import { weightsInvalid, weightsTooLarge } from "./weights-error.ts";

/** How weights are stored in a file. */
export type WeightFormat =
  | "safetensors"
  | "keras-h5"
  /** As keras-h5, but the layers bear other names and were taken in order, as Keras does. */
  | "keras-h5-by-order"
  | "keras-weights-h5"
  | "keras-zip"
  | "tfjs-layers";

/** The tensors of a weight file. */
export interface WeightFile {
  /** By Keras 3's `layer/weight`. */
  readonly tensors: NamedTensors;
  readonly format: WeightFormat;
  /** Hash of the file; of `model.json` and all its shards in order for a tfjs model. */
  readonly sha256: string;
}

const HDF5_MAGIC = "\x89HDF\r\n\x1a\n";
const ACCEPTED = "safetensors, h5, hdf5, weights.h5, keras, or a tfjs model.json";

function startsWith(bytes: Uint8Array, text: string): boolean {
  return Buffer.from(bytes.subarray(0, text.length)).toString("latin1") === text;
}

/** What is often saved in place of a weight file. */
function refuseImpostors(bytes: Uint8Array, where: string): void {
  const head = Buffer.from(bytes.subarray(0, 512)).toString("latin1").trimStart().toLowerCase();
  if (head.startsWith("<!doctype html") || head.startsWith("<html") || head.startsWith("<?xml")) {
    throw weightsInvalid(where, "it is an HTML or XML page, not weights", {
      hint: "A download saved a web page: fetch the file itself (the raw link).",
    });
  }
  if (head.startsWith("version https://git-lfs")) {
    throw weightsInvalid(where, "it is a Git LFS pointer, not the file", { hint: "Run `git lfs pull` and try again." });
  }
}

/**
 * Reads weights from the bytes of a file; the extension says which formats are accepted, the content which it is.
 * @param path the file's path: its name is the one in messages, and a tfjs model's shards lie beside it
 * @param table the layers that are wanted; needed by layouts that name no layers
 * @throws ThawError `weights-format-unknown`, `weights-invalid`, `weights-dtype`, `weights-unmappable`, `weights-too-large`, `safetensors-invalid`
 */
export async function parseWeights(bytes: Uint8Array, path: string, table: readonly Layer[] = []): Promise<WeightFile> {
  const where = basename(path);
  const extension = /\.[^.]*$/.exec(where.toLowerCase())?.[0] ?? "";
  refuseImpostors(bytes, where);
  if (extension === ".safetensors") {
    const tensors = withKeras3Names(parseSafetensors(bytes, where), where);
    return { tensors, format: "safetensors", sha256: sha256(bytes) };
  }
  if ([".h5", ".hdf5", ".keras"].includes(extension)) {
    // TensorFlow 2.12 and earlier wrote HDF5 under the name .keras too.
    if (startsWith(bytes, HDF5_MAGIC)) {
      return { ...(await readHdf5(bytes, where, { kind: "weights", table })), sha256: sha256(bytes) };
    }
    if (startsWith(bytes, "PK")) {
      return { tensors: await readKerasZip(bytes, where, table), format: "keras-zip", sha256: sha256(bytes) };
    }
    throw weightsInvalid(where, "it is neither HDF5 nor a .keras zip (both begin with a signature)");
  }
  if (extension === ".json") {
    const { tensors, shards } = await readTfjsLayers(Buffer.from(bytes).toString("utf8"), path, where);
    return { tensors, format: "tfjs-layers", sha256: sha256(bytes, ...shards) };
  }
  throw new ThawError("weights-format-unknown", `${where}: the extension "${extension}" is no known weight format.`, {
    hint: `Accepted are ${ACCEPTED}.`,
    details: { file: path },
  });
}

/**
 * Reads a weight file: safetensors, Keras `.h5`, `.weights.h5` or `.keras`, or a tfjs `model.json` with its shards.
 * @throws ThawError as `parseWeights`; `asset-missing` if there is no such file
 */
export async function readWeights(path: string, table: readonly Layer[] = []): Promise<WeightFile> {
  const status = await stat(path).catch(() => null);
  if (!status?.isFile()) {
    throw new ThawError("asset-missing", `There is no weight file at ${path}.`, { hint: "Correct the path." });
  }
  if (status.size > MAX_WEIGHT_BYTES) throw weightsTooLarge(basename(path), "the file", status.size, MAX_WEIGHT_BYTES);
  return parseWeights(await readFile(path), path, table);
}

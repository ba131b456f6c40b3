import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { parseJson, ThawError } from "@thaw/core";
import { readHdf5 } from "./hdf5.ts";
import { MAX_CONFIG_BYTES, MAX_WEIGHT_BYTES } from "./limits.ts";
import { weightsInvalid, weightsTooLarge } from "./weights-error.ts";
import { readZipMember } from "./zip-members.ts";

/** How a Keras file says what its model is. */
export interface KerasConfig {
  /** As Keras wrote it: `{ class_name, config }`. */
  readonly model: unknown;
}

/**
 * Reads the configuration of a whole Keras model: `config.json` of a `.keras` archive, the attribute `model_config` of a
 * legacy `.h5`.
 * @returns null where the file has weights alone
 * @throws ThawError `asset-missing`, `weights-invalid`, `weights-too-large`
 */
export async function readKerasConfig(path: string): Promise<KerasConfig | null> {
  const where = basename(path);
  const status = await stat(path).catch(() => null);
  if (!status?.isFile()) {
    throw new ThawError("asset-missing", `There is no Keras file at ${path}.`, { hint: "Correct the path." });
  }
  if (status.size > MAX_WEIGHT_BYTES) throw weightsTooLarge(where, "the file", status.size, MAX_WEIGHT_BYTES);
  const bytes = await readFile(path);
  let text: string | undefined;
  if (bytes.subarray(0, 2).toString("latin1") === "PK") {
    text = Buffer.from(readZipMember(bytes, "config.json", where, MAX_CONFIG_BYTES)).toString("utf8");
  } else if (bytes.subarray(1, 4).toString("latin1") === "HDF") {
    text = (await readHdf5(bytes, where, { kind: "text", attribute: "model_config" })) ?? undefined;
  } else {
    throw weightsInvalid(where, "it is neither HDF5 nor a .keras archive (both begin with a signature)");
  }
  if (text === undefined) return null;
  try {
    return { model: parseJson(text) };
  } catch (cause) {
    throw weightsInvalid(where, `its configuration is no JSON (${(cause as Error).message})`, { cause });
  }
}

import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { type KerasConfig, parseJson, type Spec, ThawError } from "@thaw/core";
import { type AssetPlaces, assetMissing, findAsset } from "./resolver.ts";
import { MAX_CONFIG_BYTES, MAX_WEIGHT_BYTES } from "./weights/limits.ts";
import { weightsTooLarge } from "./weights/weights-error.ts";
import { readZipMember } from "./weights/zip-members.ts";

const CONFIG_MEMBER = "config.json";

/**
 * Reads the configuration that a spec's `model.config` names: a JSON file, or a `.keras` archive that holds one.
 * @returns undefined where the architecture is known by its name
 * @throws ThawError `asset-missing`, `model-config-invalid`; `weights-invalid` and `weights-too-large` for an archive
 */
export async function readModelConfig(
  { architecture, config: file }: Spec["model"],
  places: AssetPlaces,
): Promise<KerasConfig | undefined> {
  if (architecture !== "keras" || file === undefined) return undefined;
  const { path, looked } = await findAsset(file, places);
  if (path === null) throw assetMissing(`The configuration "${file}"`, looked);
  const where = basename(path);
  const { size } = await stat(path);
  if (size > MAX_WEIGHT_BYTES) throw weightsTooLarge(where, "the file", size, MAX_WEIGHT_BYTES);
  const bytes = await readFile(path);
  const isZip = bytes.subarray(0, 2).toString("latin1") === "PK";
  const text = isZip
    ? Buffer.from(readZipMember(bytes, CONFIG_MEMBER, where, MAX_CONFIG_BYTES)).toString("utf8")
    : bytes.toString("utf8");
  try {
    return { file: isZip ? `${where}: ${CONFIG_MEMBER}` : where, json: parseJson(text) };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ThawError("model-config-invalid", `${where} is neither JSON nor a .keras archive (${reason}).`, {
      hint: 'Write it with Keras: open("config.json", "w").write(model.to_json()), or model.save("my.keras").',
      cause,
    });
  }
}

import { type Layer, type NamedTensors, parseJson } from "@thaw/core";
import { readHdf5 } from "./hdf5.ts";
import type { ConfiguredLayer } from "./keras-v3-h5.ts";
import { MAX_CONFIG_BYTES } from "./limits.ts";
import { weightsInvalid } from "./weights-error.ts";
import { readZipMember, zipMemberNames } from "./zip-members.ts";

const WEIGHTS_MEMBER = "model.weights.h5";
const MAX_DEPTH = 16;

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function configuredLayers(model: unknown, where: string, depth = 0): readonly ConfiguredLayer[] {
  if (depth > MAX_DEPTH) throw weightsInvalid(where, `config.json nests models deeper than ${MAX_DEPTH}`);
  const { layers } = record(record(model).config);
  if (!Array.isArray(layers)) return [];
  return layers.map((layer: unknown) => {
    const { name, class_name: className, config } = record(layer);
    return {
      name: String(record(config).name ?? name),
      className: String(className),
      layers: configuredLayers(layer, where, depth + 1),
    };
  });
}

/**
 * Reads a `.keras` archive: layers from its `config.json`, weights from its `model.weights.h5`.
 * @param table the layers that are wanted, for archives whose configuration does not tell
 * @throws ThawError `weights-invalid`, `weights-too-large`, and what {@link readHdf5} throws
 */
export async function readKerasZip(zip: Uint8Array, where: string, table: readonly Layer[]): Promise<NamedTensors> {
  const members = zipMemberNames(zip, where);
  if (!members.includes(WEIGHTS_MEMBER)) {
    throw weightsInvalid(
      where,
      `it has no member "${WEIGHTS_MEMBER}" but ${members.slice(0, 5).join(", ") || "none"}`,
      {
        hint: "Save the model with model.save('name.keras'), unsharded.",
      },
    );
  }
  let config: unknown;
  try {
    config = parseJson(Buffer.from(readZipMember(zip, "config.json", where, MAX_CONFIG_BYTES)).toString("utf8"));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw weightsInvalid(where, `config.json is no JSON (${cause.message})`, { cause });
  }
  const model = configuredLayers(config, where);
  const bytes = readZipMember(zip, WEIGHTS_MEMBER, where);
  return (await readHdf5(bytes, where, { kind: "v3", model, table })).tensors;
}

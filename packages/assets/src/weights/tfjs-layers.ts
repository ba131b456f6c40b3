import { readFile, realpath, stat } from "node:fs/promises";
import { dirname, isAbsolute, join, normalize, sep } from "node:path";
import { type HostTensor, type NamedTensors, parseJson, shownValue, sizeOf, ThawError } from "@thaw/core";
import { MAX_WEIGHT_BYTES } from "./limits.ts";
import { addTensor, splitVariablePath } from "./tensor-names.ts";
import { weightsDtype, weightsInvalid, weightsTooLarge } from "./weights-error.ts";

interface ManifestWeight {
  readonly name: string;
  readonly shape: readonly number[];
}

interface ManifestGroup {
  readonly paths: readonly string[];
  readonly weights: readonly ManifestWeight[];
}

/** What {@link readTfjsLayers} read. */
export interface TfjsWeights {
  readonly tensors: NamedTensors;
  /** The bytes of all shards, in manifest order. */
  readonly shards: readonly Uint8Array[];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseWeight(entry: unknown, where: string): ManifestWeight {
  if (!isRecord(entry) || typeof entry.name !== "string")
    throw weightsInvalid(where, "a weight in weightsManifest has no name");
  const { name, dtype, shape, quantization } = entry;
  if (quantization !== undefined) {
    const stored = isRecord(quantization) ? String(quantization.dtype) : "unknown";
    throw weightsDtype(where, name, `${stored} (quantised)`);
  }
  if (dtype !== "float32") throw weightsDtype(where, name, shownValue(dtype));
  if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw weightsInvalid(where, `weight "${name}" has no valid shape`);
  }
  return { name, shape };
}

/** Shards lie in the model's folder or below; a name that leads out of it is refused. */
function checkShardPath(path: unknown, where: string): string {
  const escapes =
    typeof path !== "string" ||
    path === "" ||
    isAbsolute(path) ||
    /^[a-z][a-z0-9+.-]*:/i.test(path) ||
    path.includes("\\") ||
    normalize(path).split(sep)[0] === "..";
  if (!escapes) return path;
  throw weightsInvalid(where, `shard ${JSON.stringify(path)} does not lie in the model's folder`, {
    hint: "weightsManifest may name files in the folder of model.json only.",
  });
}

function parseManifest(json: string, where: string): readonly ManifestGroup[] {
  let model: unknown;
  try {
    model = parseJson(json);
  } catch (cause) {
    throw weightsInvalid(where, `it is no JSON (${cause instanceof Error ? cause.message : String(cause)})`, { cause });
  }
  if (!isRecord(model)) throw weightsInvalid(where, "it is no JSON object");
  if (model.format === "graph-model") {
    throw weightsInvalid(where, "it is a tfjs graph model, whose weights are folded and renamed", {
      hint: "Use the layers model (tensorflowjs_converter --output_format tfjs_layers_model) or Keras's own file.",
    });
  }
  if (!Array.isArray(model.weightsManifest) || model.weightsManifest.length === 0) {
    throw weightsInvalid(where, "it has no weightsManifest", { hint: "Give the model.json of a tfjs layers model." });
  }
  return model.weightsManifest.map((group: unknown) => {
    if (!isRecord(group) || !Array.isArray(group.paths) || !Array.isArray(group.weights)) {
      throw weightsInvalid(where, "a group in weightsManifest has no paths or no weights");
    }
    return {
      paths: group.paths.map((path: unknown) => checkShardPath(path, where)),
      weights: group.weights.map((entry: unknown) => parseWeight(entry, where)),
    };
  });
}

/** A model from elsewhere must not make Thaw read what lies beside it: a link that leads out is refused as a name is. */
async function checkShardFile(folder: string, path: string, file: string, where: string): Promise<number> {
  const [root, real] = await Promise.all([realpath(folder), realpath(file)]);
  const found = await stat(real);
  if (real.startsWith(root.endsWith(sep) ? root : root + sep) && found.isFile()) return found.size;
  const what = found.isFile() ? "is a link out of the model's folder" : "is no regular file";
  throw weightsInvalid(where, `shard ${JSON.stringify(path)} ${what}`, {
    hint: "Copy the files that weightsManifest names into the folder of model.json.",
  });
}

async function readShards(folder: string, group: ManifestGroup, where: string): Promise<readonly Uint8Array[]> {
  const expected = group.weights.reduce((sum, { shape }) => sum + sizeOf(shape) * 4, 0);
  if (expected > MAX_WEIGHT_BYTES) throw weightsTooLarge(where, "weightsManifest", expected, MAX_WEIGHT_BYTES);
  const files = group.paths.map((path) => ({ path, file: join(folder, path) }));
  let found = 0;
  for (const { path, file } of files) {
    found += await checkShardFile(folder, path, file, where).catch((cause: unknown) => {
      if (cause instanceof ThawError) throw cause;
      throw weightsInvalid(where, `shard "${path}" is missing (looked at ${file})`, {
        hint: "Put all files that weightsManifest names beside model.json.",
        cause,
      });
    });
  }
  if (found !== expected) {
    throw weightsInvalid(
      where,
      `shards ${group.paths.join(", ")} have ${found} bytes, weightsManifest expects ${expected}`,
    );
  }
  return Promise.all(files.map(({ file }) => readFile(file)));
}

/**
 * Reads the weights of a tfjs layers model, float32, in as many shards as there are.
 * @param json the text of `model.json`
 * @param path where it lies; shards are relative to its folder
 * @throws ThawError `weights-invalid` (no layers model, a shard missing, of wrong size or outside the folder), `weights-dtype`, `weights-too-large`
 * @see tfjs-layers model format, `weightsManifest`
 */
export async function readTfjsLayers(json: string, path: string, where: string): Promise<TfjsWeights> {
  const tensors = new Map<string, HostTensor>();
  const shards: Uint8Array[] = [];
  for (const group of parseManifest(json, where)) {
    const parts = await readShards(dirname(path), group, where);
    shards.push(...parts);
    const bytes = Uint8Array.from(Buffer.concat(parts)); // a buffer of its own, so that every offset is aligned
    let offset = 0;
    for (const { name, shape } of group.weights) {
      const { layer, weight } = splitVariablePath(name);
      const data = new Float32Array(bytes.buffer, offset, sizeOf(shape));
      addTensor(tensors, layer === null ? weight : `${layer}/${weight}`, { dtype: "float32", shape, data }, where);
      offset += data.byteLength;
    }
  }
  return { tensors, shards };
}

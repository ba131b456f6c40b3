import { readFile } from "node:fs/promises";
import { resolveFile } from "@thaw/assets";
import { type HostTensor, type NamedTensors, parseSafetensors, ThawError } from "@thaw/core";

/** Keras's values for one network, one optimizer and four freeze depths. */
export interface GoldenFile {
  /** Mean loss of each step in float64, by depth. */
  losses(depth: number): readonly number[];
  /** Values of one tensor, e.g. `d50/float64/probs_after`. */
  values(name: string): Float64Array;
  /** Gradients that the file holds in full, by weight name. */
  gradients(depth: number): ReadonlyMap<string, Float64Array>;
  /** L2 norm of every gradient, by weight name. */
  gradientNorms(depth: number): ReadonlyMap<string, number>;
  readonly classes: readonly string[];
}

interface GoldenJson {
  readonly classes: readonly string[];
  readonly runs: Readonly<Record<string, { readonly losses: readonly number[] }>>;
}

const NAME = "golden/mnv2-0.35-96-adam";

function toFloat64(tensor: HostTensor): Float64Array {
  return Float64Array.from(tensor.data);
}

function under(tensors: NamedTensors, prefix: string): Map<string, Float64Array> {
  const found = [...tensors].filter(([name]) => name.startsWith(prefix));
  return new Map(found.map(([name, tensor]) => [name.slice(prefix.length), toFloat64(tensor)]));
}

/** Reads the golden files from the asset folders. @throws ThawError `asset-missing` */
export async function readGolden(): Promise<GoldenFile> {
  const places = { baseDir: process.cwd(), env: process.env };
  const json = JSON.parse(await readFile(await resolveFile(`${NAME}.json`, places), "utf8")) as GoldenJson;
  const file = await resolveFile(`${NAME}.safetensors`, places);
  const tensors = parseSafetensors(await readFile(file), file);
  const missing = (name: string): never => {
    throw new ThawError("golden-missing", `${file} has no "${name}".`);
  };
  return {
    classes: json.classes,
    losses: (depth) => json.runs[`d${depth}/float64`]?.losses ?? missing(`d${depth}`),
    values: (name) => toFloat64(tensors.get(name) ?? missing(name)),
    gradients: (depth) => under(tensors, `d${depth}/float64/grad/`),
    gradientNorms: (depth) =>
      new Map([...under(tensors, `d${depth}/float64/grad_norm/`)].map(([name, [norm]]) => [name, norm ?? Number.NaN])),
  };
}

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { readKerasConfig, readModelConfig, readWeights, selectWeights } from "@thaw/assets";
import { type NamedTensors, parseSafetensors, ThawError } from "@thaw/core";
import { planImport } from "@thaw/export";
import fc from "fast-check";
import { unzipSync, zipSync } from "fflate";
import { type ByteEdit, byteEdits, damagedBytes } from "../input/byte-edits.ts";
import { type CorpusFile, weightFiles } from "../input/corpus.ts";
import { damagedDocument, documentEdits } from "../input/document-edits.ts";
import { tinyLayers } from "../input/tiny-network.ts";
import { workFolder } from "../input/work-folder.ts";
import { type NamedBytes, zipBombs } from "../input/zip-bombs.ts";
import { MEGABYTE, oneFile, type Target, target, WrongResult } from "../target.ts";
import { hdf5Opinion, sameBits } from "./hdf5-opinion.ts";

const WEIGHT_CODES = ["weights-invalid", "weights-dtype", "weights-too-large", "weights-unmappable"];
/** The HDF5 library's own memory, a copy of the file and of its tensors. */
const HDF5_GROWTH = 256 * MEGABYTE;
const layers = tinyLayers();

function damagedFile(files: readonly CorpusFile[]): fc.Arbitrary<NamedBytes> {
  return fc.record({ file: fc.constantFrom(...files), edits: byteEdits }).map(({ file, edits }) => ({
    name: file.name,
    bytes: damagedBytes(file.bytes, edits, file.marks),
  }));
}

function whole(files: readonly CorpusFile[]): fc.Arbitrary<NamedBytes> {
  return fc.constantFrom(...files).map(({ name, bytes }) => ({ name, bytes }));
}

function put(folder: string, { name, bytes }: NamedBytes): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  return path;
}

/** Every tensor that was read must be one that the other library finds in the file, but for what that cannot read. */
function checkAgainstHdf5(bytes: Uint8Array, tensors: NamedTensors): void {
  const { values, unread, isPartial } = hdf5Opinion(bytes);
  const isThere = (data: Float32Array): boolean =>
    values.some((known) => known.length === data.length && sameBits(known, data));
  const foreign = [...tensors].filter(([, { data }]) => data.length > 0 && !isThere(data as Float32Array));
  if (isPartial || foreign.length <= unread) return;
  const names = foreign.map(([name]) => name).join(", ");
  throw new WrongResult(`${names}: the other library finds no such values, and cannot read ${unread} members`);
}

/** Keras's HDF5 files of both layouts, from six of its versions. */
export function hdf5Target(): Target {
  const files = [...weightFiles(".h5"), ...weightFiles("2.12.0-base.keras")];
  const folder = workFolder();
  return target<NamedBytes>({
    name: "h5",
    share: 8,
    codes: WEIGHT_CODES,
    growthBytes: HDF5_GROWTH,
    inputs: fc.oneof({ weight: 1, arbitrary: whole(files) }, { weight: 12, arbitrary: damagedFile(files) }),
    async read(input) {
      const { tensors } = await readWeights(put(folder, input), layers);
      checkAgainstHdf5(input.bytes, tensors);
      return tensors;
    },
    files: ({ name, bytes }) => oneFile(name, bytes),
  });
}

function repacked(file: CorpusFile, member: string, content: Uint8Array, level: 0 | 6): NamedBytes {
  return { name: file.name, bytes: zipSync({ ...unzipSync(file.bytes), [member]: content }, { level }) };
}

/** A good zip around a damaged member. */
function damagedMember(files: readonly CorpusFile[]): fc.Arbitrary<NamedBytes> {
  const level = fc.constantFrom(0 as const, 6 as const);
  const file = fc.constantFrom(...files);
  const member = (zip: CorpusFile, name: string): Uint8Array => unzipSync(zip.bytes)[name] ?? new Uint8Array();
  return fc.oneof(
    fc.tuple(file, documentEdits, level).map(([zip, edits, packing]) => {
      const config: unknown = JSON.parse(Buffer.from(member(zip, "config.json")).toString("utf8"));
      return repacked(zip, "config.json", new TextEncoder().encode(damagedDocument(config, edits)), packing);
    }),
    fc
      .tuple(file, byteEdits, level)
      .map(([zip, edits, packing]: [CorpusFile, readonly ByteEdit[], 0 | 6]) =>
        repacked(zip, "model.weights.h5", damagedBytes(member(zip, "model.weights.h5"), edits, []), packing),
      ),
  );
}

/** `.keras` archives: weights, the configuration that `model.config` names, and the one that `thaw import` reads. */
export function kerasZipTarget(): Target {
  const files = weightFiles(".keras").filter(({ name }) => !name.includes("2.12.0"));
  const folder = workFolder();
  return target<NamedBytes>({
    name: "keras-zip",
    share: 5,
    codes: [...WEIGHT_CODES, "model-config-invalid"],
    growthBytes: HDF5_GROWTH,
    inputs: fc.oneof(
      { weight: 1, arbitrary: whole(files) },
      { weight: 6, arbitrary: damagedFile(files) },
      { weight: 6, arbitrary: damagedMember(files) },
      { weight: 2, arbitrary: zipBombs },
    ),
    async read(input) {
      const path = put(folder, input);
      const { tensors } = await readWeights(path, layers);
      const members = unzipSync(input.bytes);
      checkAgainstHdf5(members["model.weights.h5"] ?? new Uint8Array(), tensors);
      const places = { baseDir: folder, env: {} };
      const model = { architecture: "keras", config: path } as unknown as Parameters<typeof readModelConfig>[0];
      const config = await readModelConfig(model, places);
      const whole = await readKerasConfig(path);
      try {
        planImport(whole?.model, input.name, 3);
      } catch (error) {
        if (!(error instanceof ThawError) || error.code !== "import-unsupported") throw error; // it is no MobileNetV2
      }
      return [tensors, config, whole];
    },
    files: ({ name, bytes }) => oneFile(name, bytes),
  });
}

interface TfjsInput {
  readonly model: string;
  readonly shards: readonly NamedBytes[];
}

/** tfjs layers models: `model.json` as a document, and its shards as bytes. */
export function tfjsTarget(): Target {
  const folder = workFolder();
  const all = [...weightFiles("model.json"), ...weightFiles(".bin")].filter(({ name }) =>
    name.startsWith("tfjs-4.22.0-base"),
  );
  const model = all.find(({ name }) => name.endsWith("model.json"));
  const document: unknown = JSON.parse(Buffer.from(model?.bytes ?? []).toString("utf8"));
  const shards = all.filter(({ name }) => name.endsWith(".bin"));
  const good = shards.map(({ name, bytes }) => ({ name, bytes }));
  const [first] = shards;
  const expected = parseSafetensors(weightFiles("reference.safetensors")[0]?.bytes ?? new Uint8Array(), "reference");
  const text = JSON.stringify(document);
  const codes = [...WEIGHT_CODES, "weights-mismatch"];
  return target<TfjsInput>({
    name: "tfjs-layers",
    share: 8,
    codes,
    growthBytes: 128 * MEGABYTE,
    inputs: fc.oneof(
      { weight: 1, arbitrary: fc.constant({ model: text, shards: good }) },
      {
        weight: 8,
        arbitrary: documentEdits.map((edits) => ({ model: damagedDocument(document, edits), shards: good })),
      },
      {
        weight: 4,
        arbitrary: byteEdits.map((edits) => ({
          model: text,
          shards: good.map((shard) =>
            shard.name === first?.name ? { ...shard, bytes: damagedBytes(shard.bytes, edits, []) } : shard,
          ),
        })),
      },
    ),
    async read(input) {
      const path = put(folder, { name: "tfjs-4.22.0-base/model.json", bytes: new TextEncoder().encode(input.model) });
      for (const shard of input.shards) put(folder, shard);
      const { tensors } = await readWeights(path, layers);
      if (input.model === text) {
        const stored = Buffer.concat(input.shards.map(({ bytes }) => bytes));
        const read = Buffer.concat(
          [...tensors.values()].map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength)),
        );
        if (!stored.equals(read)) throw new WrongResult("tensors are not the shards' bytes");
        const isGood = input.shards.every(
          ({ name, bytes }) => good.find((shard) => shard.name === name)?.bytes === bytes,
        );
        const chosen = selectWeights(tensors, layers, { where: "model.json" });
        for (const [name, { data }] of isGood ? chosen : []) {
          const known = expected.get(name)?.data;
          if (!sameBits(data as Float32Array, known as Float32Array))
            throw new WrongResult(`tensor ${name} is another`);
        }
      }
      return tensors;
    },
    files: ({ model: json, shards: parts }) =>
      new Map([
        ["model.json", new TextEncoder().encode(json)],
        ...parts.map(({ name, bytes }) => [name, bytes] as const),
      ]),
  });
}

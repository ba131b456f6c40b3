import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { crc32, deflateRawSync } from "node:zlib";
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
import { MEGABYTE, oneFile, type Target, target, WrongResult } from "../target.ts";
import { hdf5Opinion, sameBits } from "./hdf5-opinion.ts";

interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

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

/** What a hand-made zip says of a member, and what is in it. */
interface Member {
  readonly name: string;
  readonly packed: Uint8Array;
  readonly claimedBytes: number;
  readonly crc: number;
  readonly method: number;
}

/** A zip whose directory and local headers say what they are told to say. */
function zipOf(members: readonly Member[]): Uint8Array {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, packed, claimedBytes, crc, method } of members) {
    const title = Buffer.from(name);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(20, 4);
    local.writeUInt16LE(method, 8);
    local.writeUInt32LE(crc, 14);
    local.writeUInt32LE(packed.length, 18);
    local.writeUInt32LE(claimedBytes >>> 0, 22);
    local.writeUInt16LE(title.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    local.copy(entry, 6, 4, 30);
    entry.writeUInt32LE(offset, 42);
    directory.push(entry, title);
    parts.push(local, title, Buffer.from(packed));
    offset += 30 + title.length + packed.length;
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(offset, 16);
  return Uint8Array.from(Buffer.concat([...parts, ...directory, end]));
}

const BOMB = deflateRawSync(new Uint8Array(64 * MEGABYTE), { level: 9 });
const BOMB_CRC = crc32(new Uint8Array(64 * MEGABYTE));

/** A member that unpacks to 64 MB, or says that it does, or says otherwise; some of them more than once. */
const bomb: fc.Arbitrary<NamedBytes> = fc
  .array(
    fc.record({
      name: fc.constantFrom("config.json", "model.weights.h5", "metadata.json"),
      packed: fc.constantFrom(BOMB, new Uint8Array(), new Uint8Array(100)),
      claimedBytes: fc.constantFrom(0, 1, 100, 64 * MEGABYTE, 500 * MEGABYTE, 0x7fff_ffff, 0xffff_ffff),
      crc: fc.constantFrom(BOMB_CRC, 0),
      method: fc.constantFrom(8, 0, 99),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((members) => ({ name: "bomb.keras", bytes: zipOf(members) }));

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
      { weight: 2, arbitrary: bomb },
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

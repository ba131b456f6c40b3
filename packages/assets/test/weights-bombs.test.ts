import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32, deflateRawSync } from "node:zlib";
import { strToU8, zipSync } from "fflate";
import { FS, File as Hdf5File, ready } from "h5wasm";
import { describe, expect, test } from "vitest";
import { readModelConfig } from "../src/model-config.ts";
import { readHdf5 } from "../src/weights/hdf5.ts";
import { MAX_CONFIG_BYTES } from "../src/weights/limits.ts";
import { parseWeights } from "../src/weights/read-weights.ts";
import { readZipMember } from "../src/weights/zip-members.ts";
import { errorOf, temporaryFolder, tinyLayers, unpackFixtures } from "./weight-fixtures.ts";

const layers = tinyLayers();
const { folder, reference } = await unpackFixtures();
const good = readFileSync(join(folder, "keras-3.15.1-base.h5"));
const WEIGHTS = { kind: "weights", table: layers } as const;

interface Claim {
  readonly name: string;
  readonly packed: Uint8Array;
  readonly bytes: number;
  readonly crc?: number;
}

/** A zip of deflated members whose directory says what it is told to. */
function zipOf(members: readonly Claim[]): Uint8Array {
  const [locals, directory]: [Buffer[], Buffer[]] = [[], []];
  let offset = 0;
  for (const { name, packed, bytes, crc = 0 } of members) {
    const local = Buffer.alloc(30 + name.length);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(8, 8);
    local.writeUInt32LE(crc, 14);
    local.writeUInt32LE(packed.length, 18);
    local.writeUInt32LE(bytes, 22);
    local.writeUInt16LE(name.length, 26);
    local.write(name, 30);
    const entry = Buffer.alloc(46 + name.length);
    entry.writeUInt32LE(0x02014b50, 0);
    local.copy(entry, 6, 4, 30);
    entry.writeUInt32LE(offset, 42);
    entry.write(name, 46);
    directory.push(entry);
    locals.push(local, Buffer.from(packed));
    offset += local.length + packed.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(offset, 16);
  return Uint8Array.from(Buffer.concat([...locals, ...directory, end]));
}

const zeros = new Uint8Array(8 * 2 ** 20);
const packed = deflateRawSync(zeros, { level: 9 });
const member = { name: "model.weights.h5", packed, bytes: zeros.length, crc: crc32(zeros) };

describe("a zip", () => {
  test("that says the truth is unpacked", () => {
    expect(readZipMember(zipOf([member]), member.name, "a.keras").length).toBe(zeros.length);
  });

  test("that says it is small is unpacked no further than that", async () => {
    const error = await errorOf(() => readZipMember(zipOf([{ ...member, bytes: 1000 }]), member.name, "a.keras"));
    expect(error.code).toBe("weights-invalid");
    expect(error.message).toMatch(/cannot be unpacked \(.*larger than 1000 bytes\)/);
  });

  test("that says it is larger than deflate can make it is refused unread", async () => {
    const claim = { ...member, packed: new Uint8Array(100), bytes: 400 * 2 ** 20 };
    const error = await errorOf(() => readZipMember(zipOf([claim]), member.name, "a.keras"));
    expect(error.code).toBe("weights-too-large");
    expect(error.message).toContain(`claims ${400 * 2 ** 20} bytes, at most ${2 ** 20 + 100 * 1032} are read`);
  });

  test("with two members of one name is refused: a reader took memory for each", async () => {
    const twice = zipOf([{ ...member, bytes: 2 ** 31 }, member]);
    const error = await errorOf(() => readZipMember(twice, member.name, "a.keras"));
    expect(error.message).toBe('a.keras: the zip has two members "model.weights.h5".');
  });

  test.each([
    ["a header elsewhere", 42, 4000, "its header is damaged"],
    ["more bytes than the file", 20, 2 ** 30, "it reaches beyond the file"],
    ["another method", 10, 99, "compression method 99 is not known"],
  ])("with %s", async (_what, at, value, problem) => {
    const zip = zipOf([{ ...member, bytes: 1000 }]);
    const entry = zip.length - 22 - 46 - member.name.length;
    const view = new DataView(zip.buffer);
    if (at === 10) view.setUint16(entry + at, value, true);
    else view.setUint32(entry + at, value, true);
    const error = await errorOf(() => readZipMember(zip, member.name, "a.keras"));
    expect(error.code).toBe("weights-invalid");
    expect(error.message).toContain(problem);
  });

  test("with a configuration that is a bomb", async () => {
    const large = new Uint8Array(MAX_CONFIG_BYTES + 1).fill(32);
    const zip = zipSync({ "config.json": large, "model.weights.h5": good });
    expect((await errorOf(() => parseWeights(zip, "a.keras", layers))).code).toBe("weights-too-large");
    const path = join(await temporaryFolder(), "a.keras");
    writeFileSync(path, zip);
    const model = { architecture: "keras", config: path } as Parameters<typeof readModelConfig>[0];
    const error = await errorOf(() => readModelConfig(model, { baseDir: folder, env: {} }));
    expect(error.code).toBe("weights-too-large");
  });

  test.each(["[".repeat(100_000), '{"__proto__":{"config":{}}}'])("with the configuration %.30s", async (text) => {
    const zip = zipSync({ "config.json": strToU8(text), "model.weights.h5": good });
    const error = await errorOf(() => parseWeights(zip, "a.keras", layers));
    expect(error.code).toBe("weights-invalid");
    expect(error.message).toMatch(/config\.json is no JSON \(it (nests|has a key)/);
  });
});

describe("HDF5's library", () => {
  test("is stopped where it does not come back, and reads the next file", async () => {
    const error = await errorOf(() => readHdf5(good, "endless.h5", WEIGHTS, 1));
    expect(error.code).toBe("weights-invalid");
    expect(error.message).toBe("endless.h5: HDF5 cannot read it (it was not done after 0.001 s).");
    const { tensors } = await readHdf5(good, "good.h5", WEIGHTS);
    expect(tensors.get("Conv1/kernel")?.data).toEqual(reference.get("Conv1/kernel")?.data);
  });

  test("answers each of many in its turn", async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        readHdf5(index % 2 === 0 ? good : good.subarray(0, 100 + index), `${index}.h5`, WEIGHTS).then(
          ({ tensors }) => tensors.size,
          (error: Error) => error.message,
        ),
      ),
    );
    for (const [index, answer] of answers.entries()) {
      if (index % 2 === 0) expect(answer).toBe(20);
      else expect(answer).toContain(`${index}.h5: HDF5 cannot read it`);
    }
  });

  test("gives no tensor that is larger than a file can have packed", async () => {
    await ready;
    const name = "/claims.h5";
    const file = new Hdf5File(name, "w");
    file.create_attribute("layer_names", ["Conv1"]);
    const group = file.create_group("Conv1");
    group.create_attribute("weight_names", ["kernel"]);
    const options = {
      data: new Float32Array(4),
      shape: [4],
      maxshape: [null],
      chunks: [4],
      compression: "gzip" as const,
    };
    group.create_dataset({ name: "kernel", ...options }).resize([20 * 2 ** 20]);
    file.close();
    const bytes = FS?.readFile(name) ?? new Uint8Array();
    const error = await errorOf(() => parseWeights(bytes, "claims.h5", layers));
    expect(error.code).toBe("weights-too-large");
    expect(error.message).toContain(`claims ${80 * 2 ** 20} bytes, at most ${2 ** 20 + bytes.length * 1032} are read`);
  });
});

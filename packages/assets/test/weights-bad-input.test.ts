import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { type HostTensor, type NamedTensors, type ThawError, writeSafetensors } from "@thaw/core";
import { strFromU8, strToU8, zipSync } from "fflate";
import { FS, File as Hdf5File, ready } from "h5wasm";
import { describe, expect, test } from "vitest";
import { parseWeights, readWeights } from "../src/weights/read-weights.ts";
import { selectWeights } from "../src/weights/select-weights.ts";
import { errorOf, temporaryFolder, tinyLayers, unpackFixtures } from "./weight-fixtures.ts";

const layers = tinyLayers();
const { folder, reference } = await unpackFixtures();
const fixture = (name: string): Promise<Uint8Array> => readFile(join(folder, name));
const parse = (bytes: Uint8Array, name: string): Promise<ThawError> => errorOf(() => parseWeights(bytes, name, layers));

/** A copy of the reference with some tensors replaced (or, by null, left out). */
function changed(changes: Readonly<Record<string, HostTensor | null>>): NamedTensors {
  const tensors = new Map(reference);
  for (const [name, tensor] of Object.entries(changes)) {
    if (tensor === null) tensors.delete(name);
    else tensors.set(name, tensor);
  }
  return tensors;
}

function float32(shape: readonly number[], value = 0.5): HostTensor {
  return { dtype: "float32", shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value) };
}

/** An HDF5 file in Keras's older layout with one layer `Conv1`, made as the test wants. */
async function legacyH5(make: (file: Hdf5File) => void): Promise<Uint8Array> {
  await ready;
  if (FS === null) throw new Error("no file system");
  const file = new Hdf5File("/made.h5", "w");
  file.create_attribute("layer_names", ["Conv1"]);
  make(file);
  file.close();
  const bytes = FS.readFile("/made.h5");
  FS.unlink("/made.h5");
  return bytes;
}

function kerasZip(members: Readonly<Record<string, Uint8Array>>): Uint8Array {
  return zipSync({ "config.json": strToU8('{"class_name":"Functional","config":{"layers":[]}}'), ...members });
}

/** The offset of a member's entry in the directory of a zip. */
function directoryEntry(zip: Uint8Array, member: string): number {
  for (let at = zip.length - 46; at >= 0; at--) {
    const isEntry = zip[at] === 0x50 && zip[at + 1] === 0x4b && zip[at + 2] === 1 && zip[at + 3] === 2;
    if (isEntry && strFromU8(zip.subarray(at + 46, at + 46 + member.length)) === member) return at;
  }
  throw new Error(`no entry ${member}`);
}

describe("files that are not what they claim", () => {
  test("an unknown extension", async () => {
    const error = await parse(new Uint8Array(8), "weights.pth");
    expect(error.code).toBe("weights-format-unknown");
    expect(error.message).toBe('weights.pth: the extension ".pth" is no known weight format.');
    expect(error.hint).toContain("safetensors, h5");
  });

  test.each(["page.h5", "page.keras", "page.safetensors", "model.json"])("an HTML page called %s", async (name) => {
    const error = await parse(strToU8("\n<!DOCTYPE html><html><body>Sign in</body></html>"), name);
    expect(error.code).toBe("weights-invalid");
    expect(error.message).toBe(`${name}: it is an HTML or XML page, not weights.`);
    expect(error.hint).toContain("raw link");
  });

  test("a Git LFS pointer", async () => {
    const error = await parse(strToU8("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"), "a.h5");
    expect(error.code).toBe("weights-invalid");
    expect(error.hint).toContain("git lfs pull");
  });

  test("a file that is not there", async () => {
    const error = await errorOf(() => readWeights(join(folder, "none.h5"), layers));
    expect(error.code).toBe("asset-missing");
    expect(error.message).toContain("none.h5");
  });

  test("text called .h5", async () => {
    const error = await parse(strToU8("not HDF5 at all"), "a.h5");
    expect(error.code).toBe("weights-invalid");
    expect(error.message).toContain("neither HDF5 nor a .keras zip");
  });

  test("an empty file", async () => {
    expect((await parse(new Uint8Array(), "a.h5")).code).toBe("weights-invalid");
    expect((await parse(new Uint8Array(), "a.safetensors")).message).toContain("expected at least 8 bytes, found 0");
  });
});

describe("safetensors", () => {
  test("cut off", async () => {
    const whole = await fixture("reference.safetensors");
    const error = await parse(whole.subarray(0, whole.length - 100), "cut.safetensors");
    expect(error.code).toBe("safetensors-invalid");
    expect(error.message).toMatch(/^cut\.safetensors: tensor "[^"]+" claims bytes \d+ to \d+ of \d+/);
  });

  test("a header longer than the file", async () => {
    const bytes = Uint8Array.from(await fixture("reference.safetensors"));
    new DataView(bytes.buffer).setBigUint64(0, 2n ** 40n, true);
    const error = await parse(bytes, "long.safetensors");
    expect(error.code).toBe("safetensors-invalid");
    expect(error.message).toContain(`header length ${2 ** 40} does not fit`);
  });

  test("two tensors that are one in Keras 3", async () => {
    const twice = changed({ "block_1_depthwise/depthwise_kernel": float32([3, 3, 8, 1]) });
    const error = await parse(writeSafetensors(twice), "twice.safetensors");
    expect(error.code).toBe("weights-invalid");
    expect(error.message).toContain('two tensors are called "block_1_depthwise/kernel"');
  });
});

describe("HDF5", () => {
  test.each([3000, 100, 12])("cut off after %i bytes", async (length) => {
    const whole = await fixture("keras-3.15.1-base.h5");
    const error = await parse(whole.subarray(0, length), "cut.h5");
    expect(error.code).toBe("weights-invalid");
    expect(error.message).toMatch(/^cut\.h5: HDF5 cannot read it \(.*(truncated|signature|bad byte)/);
    expect(error.message).not.toContain("\n");
  });

  test("a good file is read after broken ones, however broken", async () => {
    const whole = await fixture("keras-3.15.1-nested.h5");
    let state = 7;
    const random = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      return state % below;
    };
    let refused = 0;
    for (let round = 0; round < 20; round++) {
      const bytes = Uint8Array.from(whole);
      for (let flip = 0; flip < 12; flip++) bytes[random(4000)] = random(256);
      await parseWeights(bytes, "broken.h5", layers).catch((error: ThawError) => {
        expect(["weights-invalid", "weights-dtype", "weights-too-large"]).toContain(error.code);
        refused++;
      });
    }
    expect(refused).toBeGreaterThan(5);
    const { tensors } = await parseWeights(whole, "good.h5", layers);
    expect(tensors.get("Conv1/kernel")?.data).toEqual(reference.get("Conv1/kernel")?.data);
  });

  test("a heap of texts whose free space is empty, on which HDF5 itself never ends", async () => {
    const bytes = Uint8Array.from(await fixture("keras-3.15.1-nested.weights.h5"));
    const view = new DataView(bytes.buffer);
    const start = Buffer.from(bytes.buffer).indexOf("GCOL");
    let object = start + 16;
    while (view.getUint16(object, true) !== 0) object += 16 + Math.ceil(view.getUint32(object + 8, true) / 8) * 8;
    view.setUint32(object + 8, 0, true);
    const error = await parse(bytes, "heap.weights.h5");
    expect(error.code).toBe("weights-invalid");
    expect(error.message).toContain(`damaged heap of texts at byte ${start}`);
  });

  test("a layer that lies in another file, by an external link", async () => {
    const outside = join(await temporaryFolder(), "outside.h5");
    await writeFile(outside, await fixture("keras-3.15.1-base.h5"));
    const bytes = await legacyH5((file) => void file.create_external_link(outside, "Conv1", "Conv1"));
    const { code, message } = await parse(bytes, "linked.h5");
    expect([code, message]).toEqual(["weights-invalid", 'linked.h5: layer "Conv1" is listed but not there.']);
  });

  test("not one of Keras's", async () => {
    await ready;
    const bytes = await legacyH5((file) => {
      file.delete_attribute("layer_names");
      file.create_dataset({ name: "x", data: new Float32Array(3) });
    });
    const error = await parse(bytes, "other.h5");
    expect(error.code).toBe("weights-invalid");
    expect(error.message).toContain("but not one of Keras's");
  });

  test("float64 weights", async () => {
    const bytes = await legacyH5((file) => {
      const group = file.create_group("Conv1");
      group.create_attribute("weight_names", ["kernel"]);
      group.create_dataset({ name: "kernel", data: new Float64Array(108), shape: [3, 3, 3, 4] });
    });
    const error = await parse(bytes, "double.h5");
    expect(error.code).toBe("weights-dtype");
    expect(error.message).toBe('double.h5: tensor "Conv1/kernel" has dtype float64, expected float32.');
  });

  test("a listed layer that is not there", async () => {
    const error = await parse(await legacyH5(() => undefined), "hole.h5");
    expect(error.code).toBe("weights-invalid");
    expect(error.message).toBe('hole.h5: layer "Conv1" is listed but not there.');
  });

  test("a listed weight that is not there", async () => {
    const bytes = await legacyH5((file) =>
      file.create_group("Conv1").create_attribute("weight_names", ["Conv1/kernel:0"]),
    );
    const error = await parse(bytes, "hole.h5");
    expect(error.message).toBe('hole.h5: weight "Conv1/kernel:0" of layer "Conv1" is listed but not there.');
  });

  test("a compressed dataset that claims gigabytes", async () => {
    const bytes = await legacyH5((file) => {
      const group = file.create_group("Conv1");
      group.create_attribute("weight_names", ["kernel"]);
      const options = {
        data: new Float32Array(4),
        shape: [4],
        maxshape: [null],
        chunks: [4],
        compression: "gzip" as const,
      };
      group.create_dataset({ name: "kernel", ...options }).resize([2 ** 30]);
    });
    expect(bytes.length).toBeLessThan(20_000);
    const error = await parse(bytes, "bomb.h5");
    expect(error.code).toBe("weights-too-large");
    expect(error.message).toContain(`tensor "Conv1/kernel" claims ${2 ** 32} bytes`);
  });

  test("old names whose shapes do not fit by order either", async () => {
    const wider = layers.map((layer) =>
      layer.name === "Conv1"
        ? { ...layer, weights: [{ name: "kernel", shape: [3, 3, 3, 16], trainable: true }] }
        : layer,
    );
    const { tensors, format } = await parseWeights(await fixture("keras-2.21.0-old-names.h5"), "old.h5", wider);
    expect(format).toBe("keras-h5");
    const error = await errorOf(() => selectWeights(tensors, wider, { where: "old.h5" }));
    expect(error.code).toBe("weights-mismatch");
    expect(error.message).toContain("mobl1_conv_1_expand/kernel");
  });

  test("a .weights.h5 without names whose layers do not add up", async () => {
    const bytes = await fixture("keras-3.0.5-nested.weights.h5");
    const error = await errorOf(() => parseWeights(bytes, "a.weights.h5", layers.slice(0, 6)));
    expect(error.code).toBe("weights-unmappable");
    expect(error.message).toContain("fits the expected 2 conv2d, 2 batch_normalization");
    expect(error.message).toContain("layers/functional/layers has 3 conv2d, 4 batch_normalization");
  });
});

describe(".keras zips", () => {
  test("cut off", async () => {
    const whole = await fixture("keras-3.15.1-nested.keras");
    const error = await parse(whole.subarray(0, whole.length - 30), "cut.keras");
    expect(error.code).toBe("weights-invalid");
    expect(error.message).toBe("cut.keras: the zip has no end record, so it is cut off.");
  });

  test("one flipped bit in the weights, which zip stores as they are", async () => {
    const bytes = Uint8Array.from(await fixture("keras-3.15.1-inlined.keras"));
    const middle = Math.floor(bytes.length / 2);
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    const error = await parse(bytes, "flipped.keras");
    expect(error.code).toBe("weights-invalid");
    expect(error.message).toContain('member "model.weights.h5" is damaged');
  });

  test("a zip without weights", async () => {
    const error = await parse(kerasZip({ "readme.txt": strToU8("x") }), "a.keras");
    expect(error.message).toContain('it has no member "model.weights.h5" but config.json, readme.txt');
  });

  test("a configuration that is no JSON", async () => {
    const error = await parse(
      kerasZip({ "config.json": strToU8("{"), "model.weights.h5": new Uint8Array(9) }),
      "a.keras",
    );
    expect(error.message).toContain("config.json is no JSON");
  });

  test("a bomb by declared size", async () => {
    const zip = kerasZip({ "model.weights.h5": new Uint8Array(1000) });
    new DataView(zip.buffer).setUint32(directoryEntry(zip, "model.weights.h5") + 24, 3_000_000_000, true);
    const error = await parse(zip, "bomb.keras");
    expect(error.code).toBe("weights-too-large");
    expect(error.message).toContain('member "model.weights.h5" claims 3000000000 bytes');
  });

  test("a bomb that declares less than it unpacks to", async () => {
    const zip = kerasZip({ "model.weights.h5": new Uint8Array(50_000_000) });
    expect(zip.length).toBeLessThan(200_000);
    new DataView(zip.buffer).setUint32(directoryEntry(zip, "model.weights.h5") + 24, 100, true);
    const error = await parse(zip, "liar.keras");
    expect(error.code).toBe("weights-invalid");
    expect(error.message).toMatch(/model\.weights\.h5" (is damaged|cannot be unpacked)/);
  });
});

describe("tfjs model.json", () => {
  const manifest = (paths: unknown[], weight: Record<string, unknown> = {}): Uint8Array =>
    strToU8(
      JSON.stringify({
        format: "layers-model",
        weightsManifest: [{ paths, weights: [{ name: "Conv1/kernel", shape: [2], dtype: "float32", ...weight }] }],
      }),
    );

  async function modelFolder(json: Uint8Array, shard?: Uint8Array): Promise<string> {
    const root = await temporaryFolder();
    const model = join(root, "model");
    await mkdir(model);
    await writeFile(join(root, "outside.bin"), new Uint8Array(8));
    await writeFile(join(model, "model.json"), json);
    if (shard !== undefined) await writeFile(join(model, "shard.bin"), shard);
    return join(model, "model.json");
  }

  test.each([
    [{ dtype: "int32" }, 'tensor "Conv1/kernel" has dtype "int32", expected float32.'],
    [{ dtype: undefined }, 'tensor "Conv1/kernel" has dtype undefined, expected float32.'],
    [{ dtype: ["f".repeat(900)] }, `tensor "Conv1/kernel" has dtype ["${"f".repeat(198)}…, expected float32.`],
    [{ name: "n".repeat(900), dtype: null }, `tensor "${"n".repeat(200)}…" has dtype null, expected float32.`],
  ])("a weight with %j", async (weight, message) => {
    const path = await modelFolder(manifest(["shard.bin"], weight), new Uint8Array(8));
    const error = await errorOf(() => readWeights(path));
    expect(error.code).toBe("weights-dtype");
    expect(error.message).toBe(`model.json: ${message}`);
  });

  test.each([
    "../outside.bin",
    "/etc/hostname",
    "a/../../outside.bin",
    "https://example.org/x.bin",
    "..\\outside.bin",
    "",
    3,
  ])("a shard outside the folder: %j", async (path) => {
    const error = await errorOf(async () => readWeights(await modelFolder(manifest([path])), layers));
    expect(error.code).toBe("weights-invalid");
    expect(error.message).toBe(`model.json: shard ${JSON.stringify(path)} does not lie in the model's folder.`);
  });

  test("a shard that is a link out of the folder, or no file at all", async () => {
    const path = await modelFolder(manifest(["shard.bin"]));
    await symlink(join(path, "..", "..", "outside.bin"), join(path, "..", "shard.bin"));
    const linked = await errorOf(() => readWeights(path, layers));
    expect([linked.code, linked.message]).toEqual([
      "weights-invalid",
      'model.json: shard "shard.bin" is a link out of the model\'s folder.',
    ]);
    const other = await modelFolder(manifest(["shard.bin"]));
    await mkdir(join(other, "..", "shard.bin"));
    expect((await errorOf(() => readWeights(other, layers))).message).toContain("is no regular file");
  });

  test("a missing shard", async () => {
    const path = await modelFolder(manifest(["shard.bin"]));
    const error = await errorOf(() => readWeights(path, layers));
    expect(error.code).toBe("weights-invalid");
    expect(error.message).toBe(
      `model.json: shard "shard.bin" is missing (looked at ${join(path, "..", "shard.bin")}).`,
    );
  });

  test("a shard of the wrong size", async () => {
    const path = await modelFolder(manifest(["shard.bin"]), new Uint8Array(7));
    const error = await errorOf(() => readWeights(path, layers));
    expect(error.message).toBe("model.json: shards shard.bin have 7 bytes, weightsManifest expects 8.");
  });

  test("quantised weights", async () => {
    const quantization = { dtype: "uint8", scale: 0.1, min: -1, original_dtype: "float32" };
    const error = await errorOf(async () =>
      readWeights(await modelFolder(manifest(["shard.bin"], { quantization }), new Uint8Array(2)), layers),
    );
    expect(error.code).toBe("weights-dtype");
    expect(error.message).toBe('model.json: tensor "Conv1/kernel" has dtype uint8 (quantised), expected float32.');
  });

  test("another dtype, a negative shape, terabytes", async () => {
    const of = async (weight: Record<string, unknown>): Promise<ThawError> =>
      parse(manifest(["shard.bin"], weight), "model.json");
    expect((await of({ dtype: "int32" })).code).toBe("weights-dtype");
    expect((await of({ shape: [-1] })).message).toContain('weight "Conv1/kernel" has no valid shape');
    expect((await of({ shape: [2 ** 40] })).code).toBe("weights-too-large");
  });

  test("a graph model, a package.json and half a JSON", async () => {
    const graph = await parse(strToU8('{"format":"graph-model","weightsManifest":[]}'), "model.json");
    expect(graph.message).toContain("graph model");
    expect(graph.hint).toContain("tfjs_layers_model");
    expect((await parse(strToU8('{"name":"x"}'), "package.json")).message).toContain("it has no weightsManifest");
    expect((await parse(strToU8('{"weightsManifest":['), "model.json")).message).toContain("it is no JSON");
  });
});

describe("selectWeights", () => {
  const select = (tensors: NamedTensors, ignore: readonly string[] = ["^head/"]): Promise<ThawError> =>
    errorOf(() => selectWeights(tensors, layers, { where: "file.h5", ignore }));

  test("everything wrong is in one error", async () => {
    const error = await select(
      changed({
        "Conv1/kernel": float32([3, 3, 3, 8]),
        "bn_Conv1/gamma": null,
        "bn_Conv1/beta": { dtype: "int32", shape: [4], data: new Int32Array(4) },
        "block_1_expand_BN/gamma": float32([8], Number.NaN),
        "predictions/bias": float32([1000]),
      }),
    );
    expect(error.code).toBe("weights-mismatch");
    expect(error.message).toBe(
      "file.h5 does not fit the model: 1 missing: bn_Conv1/gamma [4]; 1 not expected: predictions/bias; " +
        "1 of wrong shape: Conv1/kernel (expected [3, 3, 3, 4], found [3, 3, 3, 8]); 1 not float32: bn_Conv1/beta (int32); " +
        "1 not finite: block_1_expand_BN/gamma (NaN at element 0).",
    );
    expect(error.details).toEqual({
      missing: ["bn_Conv1/gamma [4]"],
      extra: ["predictions/bias"],
      shape: ["Conv1/kernel (expected [3, 3, 3, 4], found [3, 3, 3, 8])"],
      dtype: ["bn_Conv1/beta (int32)"],
      notFinite: ["block_1_expand_BN/gamma (NaN at element 0)"],
    });
  });

  test("infinity is named with its place", async () => {
    const tensor = float32([8]);
    tensor.data[5] = Number.NEGATIVE_INFINITY;
    expect((await select(changed({ "block_1_depthwise_BN/beta": tensor }))).message).toContain(
      "1 not finite: block_1_depthwise_BN/beta (-Infinity at element 5)",
    );
  });

  test("an extra tensor alone: the hint shows what to ignore", async () => {
    const error = await select(reference, []);
    expect(error.message).toContain("2 not expected: head/bias, head/kernel");
    expect(error.hint).toContain('"ignore": ["^head/"]');
  });

  test("long lists are cut at 20, with the count", async () => {
    const many = Object.fromEntries(Array.from({ length: 25 }, (_, index) => [`x${index}/kernel`, float32([1])]));
    const { message } = await select(changed(many));
    expect(message).toContain("25 not expected: x0/kernel, ");
    expect(message).toContain("x19/kernel, and 5 more");
    expect(message).not.toContain("x20/");
  });

  test("ignore never hides a wanted tensor", async () => {
    expect((await select(changed({ "Conv1/kernel": null }), ["."])).message).toContain("1 missing: Conv1/kernel");
  });

  test("an ignore that is no regular expression", async () => {
    const error = await select(reference, ["head["]);
    expect(error.code).toBe("weights-ignore-invalid");
    expect(error.message).toContain('"head["');
  });
});

test("messages name the file, not its folder", async () => {
  const path = join(await temporaryFolder(), "bad.h5");
  await writeFile(path, "junk");
  expect((await errorOf(() => readWeights(path))).message.startsWith(`${basename(path)}: `)).toBe(true);
});

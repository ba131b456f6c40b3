import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type NamedTensors, tableBuilder, writeSafetensors } from "@thaw/core";
import { FS, File as Hdf5File, ready } from "h5wasm";
import { describe, expect, test } from "vitest";
import { parseWeights, readWeights } from "../src/weights/read-weights.ts";
import { selectWeights } from "../src/weights/select-weights.ts";
import { errorOf, tinyLayers, unpackFixtures } from "./weight-fixtures.ts";

const layers = tinyLayers();
const { folder, files, reference } = await unpackFixtures();
const readable = Object.entries(files).flatMap(([name, { format }]) =>
  format === undefined ? [] : [[name, format] as const],
);

/** Versions whose `.weights.h5` names no layers. */
const NAMELESS = ["keras-2.", "keras-3.0"];

/** Names of the base network's weights. */
const wanted = layers.flatMap((layer) => layer.weights.map((weight) => `${layer.name}/${weight.name}`));

function extras(tensors: NamedTensors): string[] {
  return [...tensors.keys()].filter((name) => !wanted.includes(name)).sort();
}

describe("every format that Keras has written gives the same weights", () => {
  test("there are fixtures of all formats", () => {
    const formats = new Set(readable.map(([, format]) => format));
    expect([...formats].sort()).toEqual([
      "keras-h5",
      "keras-h5-by-order",
      "keras-weights-h5",
      "keras-zip",
      "safetensors",
      "tfjs-layers",
    ]);
    expect(readable.length).toBeGreaterThanOrEqual(20);
  });

  test.each(readable)("%s (%s)", async (name, format) => {
    const read = await readWeights(join(folder, name), layers);
    expect(read.format).toBe(format);
    // Where neither the file nor a configuration names layers, the head bears its class's name.
    const head =
      NAMELESS.some((nameless) => name.startsWith(nameless)) && name.endsWith(".weights.h5") ? "dense" : "head";
    const selected = selectWeights(read.tensors, layers, {
      where: name,
      ignore: ["^(scale|normalization)/", `^${head}/`],
    });
    expect([...selected.keys()]).toEqual(wanted);
    for (const [tensor, { shape, data }] of selected) {
      expect({ tensor, shape }).toEqual({ tensor, shape: reference.get(tensor)?.shape });
      expect(data, tensor).toEqual(reference.get(tensor)?.data);
    }
    if (/-base|old-names/.test(name)) {
      expect(extras(read.tensors)).toEqual([]);
    } else {
      expect(extras(read.tensors)).toEqual(expect.arrayContaining([`${head}/bias`, `${head}/kernel`]));
      expect(read.tensors.get(`${head}/kernel`)?.data).toEqual(reference.get("head/kernel")?.data);
      expect(read.tensors.get(`${head}/bias`)?.data).toEqual(reference.get("head/bias")?.data);
    }
  });
});

describe("readWeights", () => {
  test.each(["keras-3.15.1-inlined.weights.h5", "keras-3.15.1-inlined.keras", "keras-3.15.1-sequential.h5"])(
    "%s names its layers, so it needs no table",
    async (name) => {
      const { tensors } = await readWeights(join(folder, name));
      expect([...tensors.keys()].sort()).toEqual([...wanted, "head/bias", "head/kernel"].sort());
    },
  );

  test("an integer counter beside the weights is skipped where a table tells that it is not wanted", async () => {
    const path = join(folder, "keras-3.15.1-nested.weights.h5");
    const error = await errorOf(() => readWeights(path));
    expect(error.code).toBe("weights-dtype");
    expect(error.message).toContain('tensor "scale/count" has dtype int64');
    expect(extras((await readWeights(path, layers)).tensors)).not.toContain("scale/count");
  });

  test("without names and without a table, layers cannot be told apart", async () => {
    const error = await errorOf(() => readWeights(join(folder, "keras-3.0.5-nested.weights.h5")));
    expect(error.code).toBe("weights-unmappable");
    expect(error.hint).toContain("Save the base network alone");
  });

  test("numbered groups are taken by number, not by spelling: conv2d_2 before conv2d_10", async () => {
    await ready;
    const file = new Hdf5File("/many.h5", "w");
    const group = file.create_group("layers");
    const table = tableBuilder();
    let x = table.input("input", [8, 8, 1]);
    for (let index = 0; index < 12; index++) {
      x = table.conv2d(`conv_${index}`, x, 1, { kernelSize: 1, strides: 1, padding: "same" });
      const vars = group.create_group(index === 0 ? "conv2d" : `conv2d_${index}`).create_group("vars");
      vars.create_dataset({ name: "0", data: new Float32Array([index]), shape: [1, 1, 1, 1] });
    }
    file.close();
    if (FS === null) throw new Error("no file system");
    const { tensors } = await parseWeights(FS.readFile("/many.h5"), "many.weights.h5", table.layers);
    const values = table.layers.slice(1).map(({ name }) => tensors.get(`${name}/kernel`)?.data[0]);
    expect(values).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  test("takes Keras 2's depthwise_kernel in safetensors", async () => {
    const old = new Map(
      [...reference].map(([name, tensor]) => [name.replace("depthwise/kernel", "depthwise/depthwise_kernel"), tensor]),
    );
    expect(old.has("block_1_depthwise/depthwise_kernel")).toBe(true);
    const { tensors } = await parseWeights(writeSafetensors(old), "old.safetensors");
    expect([...tensors.keys()]).toEqual([...reference.keys()]);
  });

  test("a tfjs model's hash covers its shards", async () => {
    const path = join(folder, "tfjs-4.22.0-base", "model.json");
    const { sha256 } = await readWeights(path, layers);
    const shard = join(folder, "tfjs-4.22.0-base", "group1-shard2of2.bin");
    const bytes = await readFile(shard);
    await writeFile(shard, bytes.fill(0, 0, 4));
    expect((await readWeights(path, layers)).sha256).not.toBe(sha256);
  });
});

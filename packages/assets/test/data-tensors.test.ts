import { createHash } from "node:crypto";
import { type DataSpec, type HostTensor, writeSafetensors } from "@thaw/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadDataset } from "../src/data/load-dataset.ts";
import { failureOf, openWorkspace, type Workspace } from "./fixtures/data/workspace.ts";

const SIDE = 8;
const IMAGE = SIDE * SIDE * 3;

let workspace: Workspace;

beforeEach(async () => {
  workspace = await openWorkspace();
});

afterEach(() => workspace.remove());

function spec(changes: Partial<Extract<DataSpec, { kind: "tensors" }>> = {}): DataSpec {
  return { kind: "tensors", file: "set.safetensors", classes: ["a", "b", "c"], ...changes };
}

function images(count: number, side = SIDE, channels = 3, width = side): HostTensor {
  const data = Uint8Array.from(
    { length: count * side * width * channels },
    (_, index) => (index * 7919 + (index >> 8)) % 256,
  );
  return { dtype: "uint8", shape: [count, side, width, channels], data };
}

function labels(...values: number[]): HostTensor {
  return { dtype: "int32", shape: [values.length], data: Int32Array.from(values) };
}

function put(tensors: Record<string, HostTensor>): Promise<string> {
  return workspace.put("set.safetensors", writeSafetensors(new Map(Object.entries(tensors))));
}

describe("a tensor file", () => {
  it("is taken as it is: pixels, order, labels; other tensors are ignored", async () => {
    const source = images(5);
    await put({
      "head/bias": { dtype: "float32", shape: [1], data: Float32Array.of(1) },
      images: source,
      labels: labels(2, 0, 1, 1, 0),
    });
    const options = workspace.options({ imageSize: SIDE });
    const { dataset, warnings } = await loadDataset(spec(), options);
    expect(dataset).toMatchObject({
      source: "set.safetensors",
      classes: ["a", "b", "c"],
      imageShape: [SIDE, SIDE, 3],
      labels: [2, 0, 1, 1, 0],
      ids: ["0", "1", "2", "3", "4"],
    });
    const blob = await options.store.read(dataset.shards[0] ?? { sha256: "", bytes: 0 });
    expect(Buffer.compare(blob, source.data as Uint8Array)).toBe(0);
    const third = source.data.subarray(2 * IMAGE, 3 * IMAGE) as Uint8Array;
    expect(dataset.hashes[2]).toBe(createHash("sha256").update(third).digest("hex"));
    expect(warnings).toEqual([]);
  });

  it("keeps a class without images, with a warning, and names equal images", async () => {
    const source = images(3);
    source.data.copyWithin(2 * IMAGE, 0, IMAGE);
    await put({ images: source, labels: labels(0, 2, 2) });
    const { dataset, warnings } = await loadDataset(spec(), workspace.options({ imageSize: SIDE }));
    expect(dataset.classes).toEqual(["a", "b", "c"]);
    expect(warnings.map(({ code, items }) => [code, items])).toEqual([
      ["empty-class", ["b"]],
      ["duplicate", ["0 = 2"]],
    ]);
  });

  it("gives a limited share with the file's indices as ids", async () => {
    const source = images(9);
    await put({ images: source, labels: labels(0, 1, 2, 0, 1, 2, 0, 1, 2) });
    const options = workspace.options({ imageSize: SIDE });
    const { dataset } = await loadDataset(spec({ limit: 3 }), options);
    expect([...dataset.labels].sort()).toEqual([0, 1, 2]);
    const blob = await options.store.read(dataset.shards[0] ?? { sha256: "", bytes: 0 });
    for (const [place, id] of dataset.ids.entries()) {
      const expected = source.data.subarray(Number(id) * IMAGE, (Number(id) + 1) * IMAGE) as Uint8Array;
      expect(Buffer.compare(blob.subarray(place * IMAGE, (place + 1) * IMAGE), expected)).toBe(0);
    }
  });

  it.each<[string, Record<string, HostTensor>, Partial<Extract<DataSpec, { kind: "tensors" }>>, string, string]>([
    [
      "no images",
      { labels: labels(0) },
      {},
      "tensors-missing",
      '"set.safetensors" has no tensor "images" (found: labels).',
    ],
    [
      "no labels",
      { images: images(1) },
      {},
      "tensors-missing",
      '"set.safetensors" has no tensor "labels" (found: images).',
    ],
    [
      "float images",
      { images: { dtype: "float32", shape: [1, 1, 1, 1], data: new Float32Array(1) }, labels: labels(0) },
      {},
      "tensors-shape",
      '"images" in "set.safetensors" is float32 [1, 1, 1, 1], expected uint8 [n, h, w, 3].',
    ],
    [
      "two-dimensional labels",
      { images: images(1), labels: { ...labels(0), shape: [1, 1] } },
      {},
      "tensors-shape",
      '"labels" in "set.safetensors" is int32 [1, 1], expected int32 [n].',
    ],
    [
      "grey images",
      { images: images(1, SIDE, 1), labels: labels(0) },
      {},
      "tensors-shape",
      '"images" in "set.safetensors" has 1 channels, expected 3.',
    ],
    [
      "images of another size",
      { images: images(1, 9), labels: labels(0) },
      {},
      "tensors-size",
      '"images" in "set.safetensors" are 9 x 9 pixels, but model.imageSize is 8.',
    ],
    [
      "images that are too wide",
      { images: images(1, 8, 3, 9), labels: labels(0) },
      {},
      "tensors-size",
      '"images" in "set.safetensors" are 8 x 9 pixels, but model.imageSize is 8.',
    ],
    [
      "images that are too high",
      { images: images(1, 9, 3, 8), labels: labels(0) },
      {},
      "tensors-size",
      '"images" in "set.safetensors" are 9 x 8 pixels, but model.imageSize is 8.',
    ],
    ["nothing", { images: images(0), labels: labels() }, {}, "no-images", '"set.safetensors" has no images.'],
    [
      "too few labels",
      { images: images(2), labels: labels(0) },
      {},
      "tensors-count",
      '"set.safetensors" has 2 images but 1 labels.',
    ],
    [
      "a label too large",
      { images: images(3), labels: labels(0, 3, 4) },
      {},
      "label-out-of-range",
      'Label 1 in "set.safetensors" is 3, expected 0 to 2 (data.classes names 3).',
    ],
    [
      "a negative label",
      { images: images(2), labels: labels(0, -1) },
      {},
      "label-out-of-range",
      'Label 1 in "set.safetensors" is -1, expected 0 to 2 (data.classes names 3).',
    ],
    [
      "one class",
      { images: images(1), labels: labels(0) },
      { classes: ["a"] },
      "one-class",
      '"set.safetensors" has images of one class only, "a".',
    ],
    [
      "a limit below the classes",
      { images: images(3), labels: labels(0, 1, 2) },
      { limit: 2 },
      "limit-too-small",
      "data.limit is 2, but the set has 3 classes.",
    ],
  ])("with %s: a clear error", async (_, tensors, changes, code, message) => {
    await put(tensors);
    const error = await failureOf(loadDataset(spec(changes), workspace.options({ imageSize: SIDE })));
    expect([error.code, error.message]).toEqual([code, message]);
    expect(error.hint).toBeTruthy();
  });

  it("that is missing or no safetensors file: a clear error", async () => {
    const missing = await failureOf(loadDataset(spec(), workspace.options()));
    expect(missing.code).toBe("asset-missing");
    expect(missing.message).toContain("set.safetensors");
    await workspace.put("set.safetensors", "no tensors here");
    const broken = await failureOf(loadDataset(spec(), workspace.options()));
    expect(broken.code).toBe("safetensors-invalid");
    expect(broken.message).toMatch(/^set\.safetensors: /);
  });
});

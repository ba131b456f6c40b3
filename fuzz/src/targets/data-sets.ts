import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { openStore, preparePlan, surveyFolder } from "@thaw/assets";
import { type HostTensor, type Plan, parseSpec, type Spec, writeSafetensors } from "@thaw/core";
import fc from "fast-check";
import sharp from "sharp";
import { byteEdits, damagedBytes } from "../input/byte-edits.ts";
import { damagedDocument, documentEdits } from "../input/document-edits.ts";
import { workFolder } from "../input/work-folder.ts";
import { expectSame, MEGABYTE, oneFile, type Target, target } from "../target.ts";
import { checkSafetensors } from "./safetensors.ts";

const SIDE = 32;
const CLASSES = ["a", "b", "c"];

function specOf(data: unknown): Spec {
  const model = { alpha: 0.35, imageSize: SIDE, weights: "random" };
  return parseSpec({ version: 1, name: "fuzz", model, data, split: { validation: 0.2 } });
}

function drawn(images: number): Map<string, HostTensor> {
  const pixels = Uint8Array.from({ length: images * SIDE * SIDE * 3 }, (_, index) => (index * 31) & 0xff);
  const labels = Int32Array.from({ length: images }, (_, index) => index % CLASSES.length);
  return new Map<string, HostTensor>([
    ["images", { dtype: "uint8", shape: [images, SIDE, SIDE, 3], data: pixels }],
    ["labels", { dtype: "int32", shape: [images], data: labels }],
  ]);
}

/** Data of kind "tensors", down to the plan: labels and pixels are those that the file has. */
export function tensorsTarget(): Target {
  const folder = workFolder();
  const cache = join(folder, "cache");
  const env = { THAW_CACHE: cache, THAW_OFFLINE: "1" };
  const tensors = drawn(10);
  const whole = writeSafetensors(tensors);
  /** Good files whose pixels and labels differ: what is read must, too. */
  const recoloured = (values: readonly number[]): Uint8Array => {
    const bytes = Uint8Array.from(whole);
    for (const value of values) bytes[bytes.length - 40 * (value + 3)] = value;
    return bytes;
  };
  return target<Uint8Array>({
    name: "tensors",
    share: 3,
    codes: [
      "safetensors-invalid",
      "tensors-missing",
      "tensors-shape",
      "tensors-size",
      "tensors-count",
      "label-out-of-range",
      "no-images",
      "one-class",
      "split-invalid",
    ],
    growthBytes: 192 * MEGABYTE,
    inputs: fc.oneof(
      { weight: 2, arbitrary: fc.constant(whole) },
      { weight: 4, arbitrary: fc.array(fc.nat(9), { minLength: 1, maxLength: 6 }).map(recoloured) },
      { weight: 6, arbitrary: byteEdits.map((edits) => damagedBytes(whole, edits, [0, 8, 60, whole.length - 40])) },
      {
        weight: 6,
        arbitrary: fc
          .tuple(
            fc.integer({ min: 0, max: 12 }),
            fc.array(fc.integer({ min: -2, max: 4 }), { maxLength: 12 }),
            fc.constantFrom(SIDE, 0, 31),
          )
          .map(([images, labels, side]) =>
            writeSafetensors(
              new Map<string, HostTensor>([
                ["labels", { dtype: "int32", shape: [labels.length], data: Int32Array.from(labels) }],
                [
                  "images",
                  {
                    dtype: "uint8",
                    shape: [images, side, side, 3],
                    data: new Uint8Array(images * side * side * 3).fill(images),
                  },
                ],
              ]),
            ),
          ),
      },
    ),
    async read(bytes) {
      writeFileSync(join(folder, "images.safetensors"), bytes);
      const spec = specOf({ kind: "tensors", file: "images.safetensors", classes: CLASSES });
      const { plan, storeDir } = await preparePlan(spec, { baseDir: folder, env });
      const store = openStore(storeDir);
      const pixels = Buffer.concat(await Promise.all(plan.dataset.shards.map((shard) => store.read(shard))));
      const { dataset } = plan;
      const [labels, images] = [Int32Array.from(dataset.labels), dataset.labels.length];
      const given = Buffer.from(bytes);
      expectSame("labels", dataset.labels, "those of the file", given.includes(Buffer.from(labels.buffer)));
      expectSame(
        "pixels",
        pixels.length,
        images * SIDE * SIDE * 3,
        pixels.length === images * SIDE * SIDE * 3 && given.includes(pixels),
      );
      checkSafetensors(bytes, new Map([...(await tensorsOf(bytes))]));
      return plan;
    },
    files: (bytes) => oneFile("images.safetensors", bytes),
  });
}

async function tensorsOf(bytes: Uint8Array): Promise<ReadonlyMap<string, HostTensor>> {
  const { parseSafetensors } = await import("@thaw/core");
  return parseSafetensors(bytes, "images.safetensors");
}

/** A folder of small photos, two classes of six. */
async function photoFolder(root: string): Promise<void> {
  for (const [label, name] of ["a", "b"].entries()) {
    mkdirSync(join(root, name), { recursive: true });
    for (let index = 0; index < 6; index += 1) {
      const background = { r: 40 * index, g: 120 * label, b: 90 };
      await sharp({ create: { width: 16, height: 16, channels: 3, background } })
        .png()
        .toFile(join(root, name, `${index}.png`));
    }
  }
}

interface CacheInput {
  readonly file: number;
  readonly change: (bytes: Uint8Array) => Uint8Array;
}

/** Thaw's own files in its cache, damaged between two runs: the second must make the same plan. */
export async function cacheTarget(): Promise<Target> {
  const folder = workFolder();
  const photos = join(folder, "photos");
  await photoFolder(photos);
  await surveyFolder(photos);
  const cache = join(folder, "cache");
  const env = { THAW_CACHE: cache, THAW_OFFLINE: "1" };
  const spec = specOf({ kind: "folder", path: "photos" });
  const prepare = async (): Promise<Plan> => (await preparePlan(spec, { baseDir: folder, env })).plan;
  const expected = await prepare();
  await new Promise((resolve) => setTimeout(resolve, 2100)); // hashes of files just written are not kept
  await prepare();
  const names = readdirSync(cache, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const good = new Map(names.map((name) => [name, Uint8Array.from(readFileSync(name))]));
  const change = fc.oneof(
    byteEdits.map((edits) => (bytes: Uint8Array) => damagedBytes(bytes, edits, [])),
    documentEdits.map((edits) => (bytes: Uint8Array) => {
      const text = Buffer.from(bytes).toString("utf8");
      if (!text.startsWith("{")) return bytes.slice(1);
      return new TextEncoder().encode(damagedDocument(JSON.parse(text), edits));
    }),
  );
  return target<CacheInput>({
    name: "cache",
    share: 1,
    codes: [],
    growthBytes: 192 * MEGABYTE,
    inputs: fc.record({ file: fc.nat(names.length - 1), change }),
    async read({ file, change: damage }) {
      rmSync(cache, { recursive: true, force: true });
      for (const [name, bytes] of good) {
        mkdirSync(join(name, ".."), { recursive: true });
        writeFileSync(name, name === names[file] ? damage(bytes) : bytes);
      }
      const plan = await prepare();
      expectSame("the plan", plan, expected, isDeepStrictEqual(plan, expected));
      return plan;
    },
    files: ({ file, change: damage }) =>
      oneFile(names[file]?.split("/").at(-1) ?? "", damage(good.get(names[file] ?? "") ?? new Uint8Array())),
  });
}

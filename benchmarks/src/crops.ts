import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { preparePlan } from "@thaw/assets";
import { blobPath, parseSpec, randomStream, writeSafetensors } from "@thaw/core";

/** Part of a photo's side by which it is larger than a crop. */
const MARGIN = 0.15;

/** Photos of the built-in set, uint8, larger than the crops that are taken of them. */
interface Photos {
  readonly size: number;
  readonly pixels: Uint8Array;
  readonly labels: readonly number[];
  readonly classes: readonly string[];
}

async function shoes(size: number): Promise<Photos> {
  const spec = parseSpec({
    version: 1,
    name: "crops",
    model: { imageSize: size, weights: "random" },
    data: { kind: "builtin", name: "shoes" },
    split: { validation: 0, test: 0 },
  });
  const { plan, storeDir } = await preparePlan(spec, { baseDir: process.cwd() });
  const { shards, labels, classes } = plan.dataset;
  const parts = await Promise.all(shards.map(({ sha256 }) => readFile(join(storeDir, blobPath(sha256)))));
  return { size, pixels: Buffer.concat(parts), labels, classes };
}

/**
 * Writes seeded random crops of the shoes as a safetensors file, each photo in turn.
 * @returns the classes
 */
export async function writeCrops(file: string, count: number, imageSize: number): Promise<readonly string[]> {
  const { size, pixels, labels, classes } = await shoes(Math.ceil(imageSize * (1 + MARGIN)));
  const random = randomStream(1, "crops");
  const rowBytes = imageSize * 3;
  const images = new Uint8Array(count * imageSize * rowBytes);
  for (let image = 0; image < count; image += 1) {
    const photo = image % labels.length;
    const [top, left] = [random.below(size - imageSize + 1), random.below(size - imageSize + 1)];
    for (let row = 0; row < imageSize; row += 1) {
      const from = ((photo * size + top + row) * size + left) * 3;
      images.set(pixels.subarray(from, from + rowBytes), (image * imageSize + row) * rowBytes);
    }
  }
  const data = Int32Array.from({ length: count }, (_, image) => labels[image % labels.length] ?? 0);
  const tensors = new Map([
    ["images", { dtype: "uint8" as const, shape: [count, imageSize, imageSize, 3], data: images }],
    ["labels", { dtype: "int32" as const, shape: [count], data }],
  ]);
  await writeFile(file, writeSafetensors(tensors));
  return classes;
}

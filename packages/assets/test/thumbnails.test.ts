import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseSpec } from "@thaw/core";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { loadDataset } from "../src/data/load-dataset.ts";
import { makeThumbnails, openStore } from "../src/index.ts";

const CACHE = mkdtempSync(join(tmpdir(), "thaw-thumbnails-"));
const PLACES = { baseDirs: [CACHE], env: { THAW_CACHE: CACHE } };

function specOf(data: object) {
  const document = { version: 1, name: "x", model: { imageSize: 64, weights: "random" }, data };
  return parseSpec(document, { where: "test" });
}

describe("makeThumbnails", () => {
  it("makes JPEGs of the images that the network saw, and says which the set does not have", async () => {
    const spec = specOf({ kind: "builtin", name: "fashion-shoes", limit: 6 });
    const options = {
      imageSize: 64,
      seed: 0,
      baseDir: CACHE,
      env: PLACES.env,
      store: openStore(CACHE),
      cacheDir: CACHE,
    };
    const { dataset } = await loadDataset(spec.data, options);
    const [first = "", second = ""] = dataset.ids;
    const { images, missing } = await makeThumbnails(spec, [second, "no such image"], PLACES);
    expect([...missing]).toEqual([["no such image", '"fashion-shoes" no longer has it']]);
    expect([...images.keys()]).toEqual([second]);
    expect(first).not.toBe(second);
    const image = sharp(images.get(second));
    expect(await image.metadata()).toMatchObject({ format: "jpeg", width: 64, height: 64 });
    const [shard] = dataset.shards;
    if (shard === undefined) throw new Error("no shard");
    const bytes = 64 * 64 * 3;
    const pixels = (await options.store.read(shard)).subarray(bytes, 2 * bytes);
    const shown = await image.raw().toBuffer();
    const difference = shown.reduce((sum, value, index) => sum + Math.abs(value - (pixels[index] ?? 0)), 0) / bytes;
    expect(difference).toBeLessThan(6); // JPEG loses a little; another image would be tens apart
  });

  it("tells of data that is nowhere instead of throwing, and asks no network", async () => {
    const { images, missing } = await makeThumbnails(specOf({ kind: "folder", path: "gone" }), ["a/1.jpg"], PLACES);
    expect(images.size).toBe(0);
    expect(missing.get("a/1.jpg")).toContain("gone");
    const shoes = await makeThumbnails(specOf({ kind: "builtin", name: "shoes" }), ["boots/x.jpg"], PLACES);
    expect(shoes.missing.get("boots/x.jpg")).toContain("was not found");
  });
});

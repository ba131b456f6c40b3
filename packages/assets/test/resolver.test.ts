import { mkdir, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { describe, expect, test } from "vitest";
import { resolveFile } from "../src/resolver.ts";
import { errorOf, temporaryFolder } from "./weight-fixtures.ts";

/** A spec folder, a cache and two asset folders, the first of which has a sibling folder. */
async function places() {
  const root = await temporaryFolder();
  const baseDir = join(root, "specs");
  const cache = join(root, "cache");
  const first = join(root, "shared", "assets");
  const second = join(root, "more");
  const env = { THAW_CACHE: cache, THAW_ASSETS: [first, second].join(delimiter) };
  const put = async (...parts: string[]): Promise<string> => {
    const path = join(root, ...parts);
    await mkdir(join(path, ".."), { recursive: true });
    await writeFile(path, "x");
    return path;
  };
  return { root, baseDir, env, put };
}

describe("resolveFile", () => {
  test("looks beside the spec, then in the cache, then in THAW_ASSETS in order, then beside those folders", async () => {
    const { baseDir, env, put } = await places();
    const spots = [
      ["more", "w", "a.bin"],
      ["shared", "w", "a.bin"],
      ["shared", "assets", "w", "a.bin"],
      ["cache", "assets", "w", "a.bin"],
      ["specs", "w", "a.bin"],
    ];
    for (const spot of spots) {
      const path = await put(...spot); // from the last place to the first: each one wins over those before
      expect(await resolveFile("w/a.bin", { baseDir, env })).toBe(path);
    }
  });

  test("finds golden/x beside the folder assets", async () => {
    const { baseDir, env, put } = await places();
    const path = await put("shared", "golden", "x.safetensors");
    expect(await resolveFile("golden/x.safetensors", { baseDir, env })).toBe(path);
  });

  test("takes an absolute path as it is", async () => {
    const { baseDir, env, put } = await places();
    const path = await put("elsewhere", "x.h5");
    expect(await resolveFile(path, { baseDir, env })).toBe(path);
  });

  test("a name that climbs out is looked up beside the spec only", async () => {
    const { root, baseDir, env, put } = await places();
    await put("shared", "secret.h5");
    const error = await errorOf(() => resolveFile("../secret.h5", { baseDir, env }));
    expect(error.details?.looked).toEqual([join(root, "secret.h5")]);
    const path = await put("secret.h5");
    expect(await resolveFile("../secret.h5", { baseDir, env })).toBe(path);
  });

  test("a folder is no file, and the other way round", async () => {
    const { root, baseDir, env, put } = await places();
    await put("specs", "photos", "a.jpg");
    expect((await errorOf(() => resolveFile("photos", { baseDir, env }))).code).toBe("asset-missing");
    expect(await resolveFile("photos", { baseDir, env }, "folder")).toBe(join(root, "specs", "photos"));
    expect((await errorOf(() => resolveFile("photos/a.jpg", { baseDir, env }, "folder"))).code).toBe("asset-missing");
  });

  test("an asset that is nowhere: the error lists the places", async () => {
    const { root, baseDir, env } = await places();
    const error = await errorOf(() => resolveFile("w/none.h5", { baseDir, env }));
    expect(error.code).toBe("asset-missing");
    const looked = [
      join(root, "specs", "w", "none.h5"),
      join(root, "cache", "assets", "w", "none.h5"),
      join(root, "shared", "assets", "w", "none.h5"),
      join(root, "shared", "w", "none.h5"),
      join(root, "more", "w", "none.h5"),
      join(root, "w", "none.h5"),
    ];
    expect(error.message).toBe(`The file "w/none.h5" was not found; looked at ${looked.join(", ")}.`);
    expect(error.details?.looked).toEqual(looked);
    expect(error.hint).toContain("THAW_ASSETS");
  });
});

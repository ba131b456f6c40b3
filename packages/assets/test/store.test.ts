import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { writeFileAtomic } from "../src/atomic-file.ts";
import { cacheFolder } from "../src/cache-folder.ts";
import { sha256 } from "../src/sha256.ts";
import { openStore } from "../src/store.ts";
import { errorOf, temporaryFolder } from "./weight-fixtures.ts";

const bytes = new TextEncoder().encode("three frozen layers");
// printf 'three frozen layers' | sha256sum
const HASH = "7ed4d624295ed0409a96557946593e76cff4930cb3bdbcd48331fa2397975712";

describe("cacheFolder", () => {
  test("THAW_CACHE, then XDG_CACHE_HOME/thaw, then ~/.cache/thaw", () => {
    expect(cacheFolder({ THAW_CACHE: "a/b", XDG_CACHE_HOME: "/x" })).toBe(resolve("a/b"));
    expect(cacheFolder({ XDG_CACHE_HOME: "/x" })).toBe(resolve("/x/thaw"));
    expect(cacheFolder({ HOME: "/h", THAW_CACHE: "" })).toBe(join("/h", ".cache", "thaw"));
    expect(cacheFolder({})).toBe(join(homedir(), ".cache", "thaw"));
  });
});

describe("writeFileAtomic", () => {
  test("makes folders, replaces a file and leaves no temporary file", async () => {
    const path = join(await temporaryFolder(), "deep", "er", "file.bin");
    await writeFileAtomic(path, "old");
    await writeFileAtomic(path, bytes);
    expect(new Uint8Array(await readFile(path))).toEqual(bytes);
    expect(await readdir(dirname(path))).toEqual(["file.bin"]);
  });

  test("a failed rename leaves the target as it was and no temporary file", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "taken");
    await mkdir(join(path, "child"), { recursive: true });
    await expect(writeFileAtomic(path, bytes)).rejects.toThrow();
    expect(await readdir(folder)).toEqual(["taken"]);
    expect(await readdir(path)).toEqual(["child"]);
  });
});

describe("store", () => {
  test("keeps bytes under their hash and gives them back", async () => {
    const store = openStore(await temporaryFolder());
    const ref = await store.put(bytes);
    expect(ref).toEqual({ sha256: HASH, bytes: bytes.byteLength });
    expect(store.pathOf(ref.sha256)).toBe(join(store.folder, "blobs", HASH.slice(0, 2), HASH));
    expect(await store.has(ref)).toBe(true);
    expect(new Uint8Array(await store.read(ref))).toEqual(bytes);
  });

  test("putting the same bytes again writes nothing", async () => {
    const store = openStore(await temporaryFolder());
    const { sha256 } = await store.put(bytes);
    const before = await stat(store.pathOf(sha256));
    await store.put(bytes);
    const after = await stat(store.pathOf(sha256));
    expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
  });

  test.each([
    ["cut off", (whole: Uint8Array) => whole.subarray(0, 5)],
    [
      "of the right size with one bit changed",
      (whole: Uint8Array) => whole.map((byte, index) => (index === 3 ? byte ^ 1 : byte)),
    ],
  ])("a blob %s is an error, is removed, and can be put again", async (_, damage) => {
    const store = openStore(await temporaryFolder());
    const ref = await store.put(bytes);
    await writeFile(store.pathOf(ref.sha256), damage(bytes));
    const error = await errorOf(() => store.read(ref));
    expect(error.code).toBe("blob-corrupt");
    expect(error.message).toContain(`expected ${bytes.byteLength} bytes`);
    expect(await store.has(ref)).toBe(false);
    await store.put(bytes);
    expect(new Uint8Array(await store.read(ref))).toEqual(bytes);
  });

  test("put replaces a damaged blob of the right size", async () => {
    const store = openStore(await temporaryFolder());
    const ref = await store.put(bytes);
    await writeFile(
      store.pathOf(ref.sha256),
      bytes.map(() => 0),
    );
    await store.put(bytes);
    expect(sha256(await readFile(store.pathOf(ref.sha256)))).toBe(ref.sha256);
  });

  test("a blob that is not there, and a hash that is none", async () => {
    const store = openStore(await temporaryFolder());
    expect((await errorOf(() => store.read({ sha256: "0".repeat(64), bytes: 1 }))).code).toBe("blob-missing");
    const error = await errorOf(() => store.pathOf("../../etc/passwd"));
    expect(error.code).toBe("blob-missing");
    expect(error.message).toContain("is no SHA-256");
  });
});

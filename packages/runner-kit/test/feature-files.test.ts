import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, readdirSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FeatureCachePlan, Features } from "@thaw/core";
import { beforeEach, describe, expect, it } from "vitest";
import { openFeatureFiles } from "../src/feature-files.ts";

const LOCK_MODULE = new URL("../src/lock-file.ts", import.meta.url).href;

const PLAN: FeatureCachePlan = {
  where: "disk",
  cut: 3,
  layer: "next",
  tensors: [
    { index: 1, layer: "a", shape: [2, 3] },
    { index: 2, layer: "b", shape: [5] },
  ],
  bytesPerImage: 44,
  images: 4,
  keeps: 4,
  savedMacs: 1,
  recomputedMacs: 0,
  reason: "",
};
const RECORD = 8 + 32 + 44;
const features = (seed: number): Features => [
  Float32Array.from({ length: 6 }, (_, i) => seed + i / 7),
  Float32Array.from({ length: 5 }, (_, i) => -seed * i),
];

/** A lock of this machine whose process is no more. */
function lockOfTheDead(path: string): void {
  const script = `import(${JSON.stringify(LOCK_MODULE)}).then(({ takeLock }) => takeLock(${JSON.stringify(path)}))
    .then(() => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["--import", "tsx", "--conditions=source", "--input-type=module", "--eval", script]);
}

let folder: string;
const file = (): string => join(folder, "key.features");
const opened = (key = "key", limit = 1e6): ReturnType<typeof openFeatureFiles> =>
  openFeatureFiles(folder, key, PLAN, limit);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "thaw-"));
});

describe("feature files", () => {
  it("give back what was written, in the same run and in the next", async () => {
    const first = await opened();
    await first.write(7, features(7));
    await first.write(2 ** 40, features(8));
    expect([first.has(7), first.has(8)]).toEqual([true, false]);
    expect(await first.read(7)).toEqual(features(7));
    await first.close();
    const second = await opened();
    expect(await second.read(2 ** 40)).toEqual(features(8));
    await second.write(9, features(9));
    expect(await second.read(9)).toEqual(features(9));
    await second.close();
    expect(existsSync(`${file()}.lock`)).toBe(false);
  });

  it("keep no more than the plan says", async () => {
    const store = await opened();
    for (let key = 0; key < 6; key += 1) await store.write(key, features(key));
    expect([3, 4].map((key) => store.has(key))).toEqual([true, false]);
    await store.close();
  });

  it("go on after a run that was killed while it wrote", async () => {
    const first = await opened();
    await first.write(1, features(1));
    await first.write(2, features(2));
    await first.close();
    truncateSync(file(), 2 * RECORD - 10);
    appendFileSync(file(), Buffer.alloc(4));
    const second = await opened();
    expect([second.has(1), second.has(2)]).toEqual([true, false]);
    await second.write(2, features(2));
    expect(await second.read(2)).toEqual(features(2));
    await second.close();
  });

  it("refuse what changed on the disk while the run went on", async () => {
    const store = await opened();
    await store.write(1, features(1));
    const handle = await open(file(), "r+");
    await handle.write(Buffer.from([99]), 0, 1, RECORD - 1);
    await handle.close();
    await expect(store.read(1)).rejects.toMatchObject({ code: "cache-corrupt" });
    await store.close();
    const next = await opened();
    expect(next.has(1)).toBe(false);
    await next.close();
  });

  it("are one for each of two runs at the same time", async () => {
    const first = await opened();
    const second = await opened();
    await first.write(1, features(1));
    expect(second.has(1)).toBe(false);
    await second.write(1, features(3));
    expect(await first.read(1)).toEqual(features(1));
    await second.close();
    await first.close();
    expect(readdirSync(folder)).toEqual(["key.features"]);
  });

  it("take over the lock of a process that is no more", async () => {
    lockOfTheDead(`${file()}.lock`);
    expect(readdirSync(folder)).toEqual(["key.features.lock"]);
    const store = await opened();
    await store.write(1, features(1));
    await store.close();
    expect(readdirSync(folder)).toEqual(["key.features"]);
  });

  it("are removed when they are stale, or the oldest when there is no room", async () => {
    for (const [name, ageDays] of [
      ["stale", 4],
      ["old", 2],
      ["young", 1],
    ] as const) {
      const path = join(folder, `${name}.features`);
      writeFileSync(path, Buffer.alloc(1000));
      utimesSync(path, new Date(), new Date(Date.now() - ageDays * 86_400_000));
    }
    await (await opened("key", 1500 + 4 * RECORD)).close();
    expect(readdirSync(folder).sort()).toEqual(["key.features", "young.features"]);
  });

  it("say what to do where the folder cannot be used", async () => {
    writeFileSync(join(folder, "taken"), "");
    const failure = openFeatureFiles(join(folder, "taken"), "key", PLAN, 1e6);
    await expect(failure).rejects.toMatchObject({ code: "cache-unusable" });
  });
});

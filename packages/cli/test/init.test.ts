import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { experimentName, seenFromSpec, writeInitFiles } from "../src/init/init-files.ts";
import { weightsNote } from "../src/init/weights-note.ts";
import { readSpecFile } from "../src/spec-file.ts";
import { temporaryFolder, thaw } from "./command-line.ts";
import { photoFolder, SHOES, shoeFiles } from "./photo-folder.ts";

describe("the files of thaw init", () => {
  it.each([
    ["/data/my photos", "my-photos"],
    ["/data/Schuhe (2024)/", "Schuhe-2024"],
    ["/data/חדש", "photos"],
    [`/data/${"x".repeat(90)}`, "x".repeat(40)],
  ])("take a name from the folder %s: %s", (folder, name) => {
    expect(experimentName(undefined, folder)).toBe(name);
  });

  it.each(["a b", "", "-x", "x".repeat(41)])("refuse the name %j", (name) => {
    expect(() => experimentName(name, "photos")).toThrow(`--name: "${name}" is no name`);
  });

  it.each([
    ["/data/photos", "/data/specs/shoes.json", "../photos"],
    ["/data/photos", "/data/photos/shoes.json", "."],
    ["/data/photos", "/data/shoes.json", "photos"],
  ])("name the folder %s from %s as %s", (folder, file, seen) => {
    expect(seenFromSpec(folder, file)).toBe(seen);
  });

  it("are all there or none", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "b.json"), "mine");
    const texts = new Map([
      [join(folder, "a.json"), "{}"],
      [join(folder, "b.json"), "{}"],
    ]);
    await expect(writeInitFiles(texts)).rejects.toMatchObject({ code: "result-exists" });
    expect(existsSync(join(folder, "a.json"))).toBe(false);
    expect(readFileSync(join(folder, "b.json"), "utf8")).toBe("mine");
  });
});

describe("the note on weights", () => {
  const here = [{ weights: "imagenet", alpha: 0.35, imageSize: 224 }] as const;
  it.each([
    [{ weights: "imagenet", alpha: 0.35, imageSize: 224 }, /0\.35 at 224 px, which are on this machine\.$/],
    [
      { weights: "imagenet", alpha: 1, imageSize: 160 },
      /not on this machine.*--weights imagenet --alpha 0\.35 --image-size 224\.$/,
    ],
    [{ weights: "random", alpha: 1, imageSize: 160 }, /none/],
    [{ weights: "../mine.h5", alpha: 1, imageSize: 160 }, /the file \.\.\/mine\.h5/],
  ] as const)("says of %j: %s", (model, note) => {
    expect(weightsNote(model, here)).toMatch(note);
  });
});

describe("thaw init", () => {
  it("refuses what cannot be trained on, with the reasons of thaw data check, and writes nothing", async () => {
    const folder = photoFolder({ "boots/1.jpg": "no photo", "sandals/2.jpg": "" });
    const out = join(dirname(folder), "x.json");
    const { code, stderr } = await thaw(["init", folder, "--out", out]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/error \(data-untrainable\): .*cannot be trained on\. ".*" has no images in any class/);
    expect(existsSync(out)).toBe(false);
  });

  it("refuses names, widths and files that are no good before it reads a photo", async () => {
    const folder = photoFolder({ "boots/1.jpg": "no photo" });
    const dir = dirname(folder);
    writeFileSync(join(dir, "taken.md"), "mine");
    for (const [options, message] of [
      [["--out", join(dir, "x.txt")], "does not end in .json"],
      [["--out", join(dir, "taken.json")], "taken.md exists"],
      [["--out", join(dir, "x.json"), "--alpha", "2"], "--alpha"],
    ] as const) {
      const { code, stderr } = await thaw(["init", folder, ...options]);
      expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    }
    expect(readFileSync(join(dir, "taken.md"), "utf8")).toBe("mine");
  });
});

describe.skipIf(SHOES === undefined)("thaw init on real photos (needs THAW_ASSETS)", () => {
  const SMALL = ["--weights", "random", "--alpha", "0.35", "--image-size", "32"];

  it("writes a spec, a sweep and the reasons, which a run then takes as they are", { timeout: 240_000 }, async () => {
    const folder = photoFolder(shoeFiles({ boots: 8, flip_flops: 8, sneakers: 8 }));
    const out = join(dirname(folder), "specs", "three.json");
    mkdirSync(dirname(out));
    const { code, stdout } = await thaw(["init", folder, "--out", out, ...SMALL]);
    expect(code).toBe(0);
    const spec = await readSpecFile(out);
    expect(spec).toMatchObject({
      kind: "spec",
      spec: { name: "my-photos", data: { path: "../my photos" }, batchSize: 8 },
    });
    const sweep = await readSpecFile(out.replace(".json", "-sweep.json"));
    expect(sweep).toMatchObject({ kind: "sweep", sweep: { groups: [{ name: "depth" }, { name: "rate" }] } });
    const page = readFileSync(out.replace(".json", ".md"), "utf8");
    for (const text of [stdout, page]) {
      for (const word of ["batchSize", "split.by", "horizontalFlip", "inference-all", "class-small", "thaw sweep"]) {
        expect(text.includes(word) || (word === "class-small" && text.includes("fewer than 20 images")), word).toBe(
          true,
        );
      }
    }
    expect(stdout).toContain(`thaw data check '${folder}'`);

    const run = await thaw(["run", out, "--runner", "node", "--out", join(dirname(folder), "results")]);
    expect([run.code, run.stdout]).toEqual([0, expect.stringContaining("my-photos")]);
    const again = await thaw(["init", folder, "--out", out]);
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining("three.json exists")]);
  });

  it("writes no sweep where none is wanted", async () => {
    const folder = photoFolder(shoeFiles({ boots: 4, sneakers: 4 }));
    const out = join(dirname(folder), "two.json");
    const { code, stdout } = await thaw(["init", folder, "--out", out, "--no-sweep", "--name", "two", ...SMALL]);
    expect([code, existsSync(out.replace(".json", "-sweep.json"))]).toEqual([0, false]);
    expect(stdout).not.toContain("-sweep.json");
  });
});

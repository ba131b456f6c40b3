import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeImage } from "../src/data/decoder.ts";
import { decodeFiles, findImages } from "../src/data/image-files.ts";

let folder: string;
let png: Buffer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "thaw-images-"));
  png = await sharp({ create: { width: 9, height: 5, channels: 3, background: "#4080c0" } })
    .png()
    .toBuffer();
  mkdirSync(join(folder, "sub", "deep"), { recursive: true });
  mkdirSync(join(folder, "empty"));
  for (const name of ["b.png", "a[1].png", "sub/deep/c.JPG", ".hidden.png"]) writeFileSync(join(folder, name), png);
  writeFileSync(join(folder, "sub", "text.txt"), "text");
  symlinkSync(join(folder, "nowhere"), join(folder, "sub", "broken.png"));
});

afterAll(() => rmSync(folder, { recursive: true }));

const named = async (...paths: string[]): Promise<(string | undefined)[][]> =>
  (await findImages(paths)).map(({ name, problem }) => [name.slice(folder.length + 1), problem]);

describe("images that somebody names", () => {
  it("are files as they are, folders with all below them, and patterns", async () => {
    expect(await named(folder)).toEqual([
      ["a[1].png", undefined],
      ["b.png", undefined],
      ["sub/broken.png", "a broken symbolic link"],
      ["sub/deep/c.JPG", undefined],
    ]);
    expect(await named(join(folder, "**", "*.{png,JPG}"))).toContainEqual(["sub/deep/c.JPG", undefined]);
    expect(await named(join(folder, "sub", "*.txt"), join(folder, "a[1].png"))).toEqual([
      ["sub/*.txt", "no JPEG, PNG or WebP image has such a name"],
      ["a[1].png", undefined],
    ]);
  });

  it("are listed with the reason where they are not there", async () => {
    expect(await named(join(folder, "none.png"), join(folder, "empty"))).toEqual([
      ["none.png", "there is no such file"],
      ["empty", "the folder has no JPEG, PNG or WebP image"],
    ]);
  });

  it("are decoded as training decodes them, in order, the others with their reason", async () => {
    const files = await findImages([join(folder, "none.png"), join(folder, "b.png"), join(folder, "sub", "text.txt")]);
    const decoded = [];
    for await (const file of decodeFiles(files, 4, "crop")) decoded.push(file.decoded);
    expect(decoded[0]).toEqual({ reason: "there is no such file" });
    expect(decoded[1]).toEqual(await decodeImage(png, 4, "crop"));
    expect(decoded[2]).toEqual({ reason: "no JPEG, PNG or WebP image" });
  });
});

import { symlink } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FolderSurvey, surveyFolder } from "../src/data/survey.ts";
import { SHOES, shoePhotos } from "./fixtures/data/shoe-photos.ts";
import { openWorkspace, photo, type Workspace } from "./fixtures/data/workspace.ts";

let workspace: Workspace;

beforeEach(async () => {
  workspace = await openWorkspace();
});

afterEach(() => workspace.remove());

function survey(options: Parameters<typeof surveyFolder>[1] = {}): Promise<FolderSurvey> {
  return surveyFolder(join(workspace.base, "photos"), options);
}

describe("a survey", () => {
  it("counts classes, unreadable images and other files as training would see them", async () => {
    await workspace.put("photos/boots/1.jpg", await photo("red", 1));
    await workspace.put("photos/boots/cut.jpg", (await photo("red", 2)).subarray(0, 300));
    await workspace.put("photos/boots/empty.png", "");
    await workspace.put("photos/boots/phone.HEIC", "x");
    await symlink("nowhere.jpg", join(workspace.base, "photos/boots/link.jpg"));
    await workspace.put("photos/mules/notes.txt", "no photo");
    await workspace.put("photos/sandals/1.jpg", await photo("blue", 3));
    await workspace.put("photos/sandals/.hidden.jpg", "left alone");
    const { classes, images, unreadable, series } = await survey();
    expect(classes).toEqual([
      { name: "boots", images: 1, unreadable: 3, otherFiles: ["boots/phone.HEIC"] },
      { name: "mules", images: 0, unreadable: 0, otherFiles: ["mules/notes.txt"] },
      { name: "sandals", images: 1, unreadable: 0, otherFiles: [] },
    ]);
    expect(images.map(({ path, label }) => [path, label])).toEqual([
      ["boots/1.jpg", 0],
      ["sandals/1.jpg", 2],
    ]);
    expect(unreadable).toEqual([
      { path: "boots/cut.jpg", reason: expect.stringMatching(/^(VipsJpeg: premature end|the image is damaged)/) },
      { path: "boots/empty.png", reason: "the file is empty" },
      { path: "boots/link.jpg", reason: "a broken symbolic link" },
    ]);
    expect(series).toBeNull();
  });

  it("says each image's size as it is seen, its format and what EXIF turns", async () => {
    const turned = await sharp(await photo("red"))
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    const webp = await sharp(await photo("blue"))
      .resize(20, 60, { fit: "fill" })
      .webp()
      .toBuffer();
    await workspace.put("photos/boots/turned.jpg", turned);
    await workspace.put("photos/sandals/tall.png", webp); // the content counts, not the name
    const { images } = await survey();
    expect(images).toMatchObject([
      { path: "boots/turned.jpg", width: 30, height: 40, format: "jpeg", orientation: 6, bytes: turned.byteLength },
      { path: "sandals/tall.png", width: 20, height: 60, format: "webp", orientation: null, bytes: webp.byteLength },
    ]);
  });

  it("tells progress image by image, and knows names of any kind", async () => {
    const names = ["\u001b[31mred", "a\nb", `quote"s & <b>`, "חדש", "日本語 👟"];
    for (const [index, name] of names.entries()) {
      await workspace.put(`photos/${name}/${name}.jpg`, await photo("white", index));
    }
    const seen: [number, number][] = [];
    const { classes } = await survey({ onProgress: (done, total) => seen.push([done, total]) });
    expect(new Set(classes.map(({ name }) => name))).toEqual(new Set(names));
    expect(seen).toEqual(names.map((_, index) => [index + 1, names.length]));
  });

  it("finds the same file within a class and under two", async () => {
    await workspace.put("photos/boots/1.jpg", await photo("red", 1));
    await workspace.put("photos/boots/anna/2.jpg", await photo("red", 1));
    await workspace.put("photos/boots/3.jpg", await photo("#202020", 9));
    await workspace.put("photos/sandals/4.jpg", await photo("#202020", 9));
    const { duplicates, near, series } = await survey();
    expect(duplicates).toEqual([
      { paths: ["boots/1.jpg", "boots/anna/2.jpg"], acrossClasses: false },
      { paths: ["boots/3.jpg", "sandals/4.jpg"], acrossClasses: true },
    ]);
    expect(near.pairs.some(({ bits, acrossClasses }) => bits === 0 && acrossClasses)).toBe(false);
    expect(series).toBe(4);
  });
});

describe.skipIf(SHOES === undefined)("a survey of real photos (needs THAW_ASSETS)", () => {
  it("finds no copies among all 346", { timeout: 120_000 }, async () => {
    const { images, unreadable, duplicates, near } = await surveyFolder(SHOES ?? "");
    expect([images.length, unreadable, duplicates, near.pairs]).toEqual([346, [], [], []]);
  });

  it("finds a photo that was re-encoded smaller, and in another class, but not a mirrored one", async () => {
    const [first, second, third] = await shoePhotos("boots", 3);
    const smaller = await sharp(first).resize(150).jpeg({ quality: 45 }).toBuffer();
    const webp = await sharp(second).webp({ quality: 50 }).toBuffer();
    await workspace.put("photos/boots/1.jpg", first ?? "");
    await workspace.put("photos/boots/1-small.jpg", smaller);
    await workspace.put("photos/boots/2.jpg", second ?? "");
    await workspace.put("photos/boots/3.jpg", third ?? "");
    await workspace.put("photos/boots/3-mirrored.jpg", await sharp(third).flop().jpeg().toBuffer());
    await workspace.put("photos/sneakers/2.webp", webp);
    const { images, near } = await survey();
    const named = near.pairs.map(({ first: a, second: b, acrossClasses }) => [
      images[a]?.path,
      images[b]?.path,
      acrossClasses,
    ]);
    expect(named).toEqual([
      ["boots/2.jpg", "sneakers/2.webp", true],
      ["boots/1-small.jpg", "boots/1.jpg", false],
    ]);
  });
});

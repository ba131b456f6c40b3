import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import sharp, { type Sharp } from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildDemo } from "../../demo/build/demo-folder.ts";
import { type LaunchedBrowser, launchBrowser } from "../../src/launch.ts";
import { openSite, SHOES, type Site, visit } from "./site.ts";

const RED = { r: 255, g: 0, b: 0 };
const BLUE = { r: 0, g: 0, b: 255 };

/** Red on the left, blue on the right, square. */
async function halves(): Promise<Sharp> {
  const half = await sharp({ create: { width: 32, height: 64, channels: 3, background: BLUE } })
    .png()
    .toBuffer();
  const whole = sharp({ create: { width: 64, height: 64, channels: 3, background: RED } });
  return sharp(
    await whole
      .composite([{ input: half, left: 32, top: 0 }])
      .png()
      .toBuffer(),
  );
}

/** Colour of a thumbnail at a place of 0…1. */
async function colourAt(page: Page, x: number, y: number): Promise<string> {
  const place = [x, y] as const;
  return await page
    .locator(".thumbnails img")
    .last()
    .evaluate((image, [atX, atY]) => {
      const picture = image as HTMLImageElement;
      const canvas = new OffscreenCanvas(picture.naturalWidth, picture.naturalHeight);
      const context = canvas.getContext("2d");
      context?.drawImage(picture, 0, 0);
      const data = context?.getImageData(atX * canvas.width, atY * canvas.height, 1, 1).data ?? [];
      const [red = 0, green = 0, blue = 0] = data;
      return red > 200 && green > 200 && blue > 200 ? "white" : red > blue ? "red" : "blue";
    }, place);
}

describe.skipIf(SHOES === undefined)("photos as the page decodes them (THAW_ASSETS)", () => {
  let site: Site;
  let launched: LaunchedBrowser;
  let folder: string;
  beforeAll(async () => {
    [site, launched] = await Promise.all([openSite(false), launchBrowser("software")]);
    folder = await mkdtemp(join(tmpdir(), "thaw-photos-"));
  });
  afterAll(async () => {
    await launched.close();
    await site.close();
    await rm(folder, { recursive: true });
  });

  async function shown(name: string, bytes: Buffer): Promise<Page> {
    await writeFile(join(folder, name), bytes);
    const { page } = await visit(launched.browser, site);
    await page.locator(".class-card input[type=file]").first().setInputFiles(join(folder, name));
    await page.getByText("1 photo was added to Class 1.").waitFor();
    return page;
  }

  it("are turned as their EXIF says", async () => {
    const page = await shown("plain.jpg", await (await halves()).jpeg().toBuffer());
    expect([await colourAt(page, 0.1, 0.5), await colourAt(page, 0.9, 0.5)]).toEqual(["red", "blue"]);
    const turned = await (await halves()).jpeg().withMetadata({ orientation: 6 }).toBuffer(); // a quarter clockwise
    const other = await shown("turned.jpg", turned);
    expect([await colourAt(other, 0.5, 0.1), await colourAt(other, 0.5, 0.9)]).toEqual(["red", "blue"]);
  });

  it("lie over white where they are transparent", async () => {
    const empty = { width: 32, height: 32, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } as const;
    expect(await colourAt(await shown("empty.png", await sharp({ create: empty }).png().toBuffer()), 0.5, 0.5)).toBe(
      "white",
    );
  });

  it("can be removed by the keyboard, the focus going on to the next", async () => {
    const page = await shown("first.jpg", await (await halves()).jpeg().toBuffer());
    const more = ["second.jpg", "third.jpg"].map((name) => join(folder, name));
    for (const [index, file] of more.entries()) {
      await sharp({ create: { width: 8 + index, height: 8, channels: 3, background: RED } }).toFile(file);
    }
    await page.locator(".class-card input[type=file]").first().setInputFiles(more);
    await page.getByText("2 photos were added to Class 1.").waitFor();
    await page.getByRole("button", { name: "Remove first.jpg" }).focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    expect(
      await page.locator(".thumbnails img").evaluateAll((all) => all.map((image) => (image as HTMLImageElement).alt)),
    ).toEqual(["first.jpg", "third.jpg"]);
    expect(await page.locator(":focus").getAttribute("aria-label")).toBe("Remove third.jpg");
    // What was removed can be added again.
    await page.locator(".class-card input[type=file]").nth(1).setInputFiles(more.slice(0, 1));
    await page.getByText("1 photo was added to Class 2.").waitFor();
  });

  it("come with no examples unless the page has some", async () => {
    const { page } = await visit(launched.browser, site);
    expect(await page.getByRole("button", { name: "Use example photos" }).count()).toBe(0);
  });

  it("are of a page that empties no folder of anybody else's", async () => {
    const home = join(folder, "home");
    await mkdir(home);
    await writeFile(join(home, "letter.txt"), "dear");
    await expect(buildDemo({ out: home, weights: [], examples: null })).rejects.toMatchObject({
      code: "option-invalid",
    });
    expect(await readdir(home)).toEqual(["letter.txt"]);
  });
});

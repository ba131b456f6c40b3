import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { contactSheet } from "../src/data/contact-sheet.ts";
import { surveyFolder } from "../src/data/survey.ts";
import { drawText } from "../src/data/text-image.ts";
import { openWorkspace, photo, type Workspace } from "./fixtures/data/workspace.ts";

let workspace: Workspace;

beforeEach(async () => {
  workspace = await openWorkspace();
});

afterEach(() => workspace.remove());

interface Page {
  readonly width: number;
  readonly height: number;
  at(x: number, y: number): readonly number[];
  /** Pixels of nearly this colour. */
  count(colour: readonly number[]): number;
}

async function decode(png: Uint8Array): Promise<Page> {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  expect([info.channels, (await sharp(png).metadata()).format]).toEqual([3, "png"]);
  return {
    width: info.width,
    height: info.height,
    at: (x, y) => [...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)],
    count(colour) {
      let found = 0;
      for (let offset = 0; offset < data.length; offset += 3) {
        if (colour.every((value, channel) => Math.abs((data[offset + channel] ?? 0) - value) < 12)) found += 1;
      }
      return found;
    },
  };
}

describe("a contact sheet", () => {
  it("shows each class's images below its name, in their shape, and says what it shows", async () => {
    for (let mark = 0; mark < 12; mark += 1) await workspace.put(`photos/a/${mark}.jpg`, await photo("#ff0000", mark));
    for (let mark = 0; mark < 3; mark += 1) await workspace.put(`photos/b/${mark}.jpg`, await photo("#0000ff", mark));
    await mkdir(join(workspace.base, "photos/empty"));
    const sheet = await contactSheet(await surveyFolder(join(workspace.base, "photos")));
    const page = await decode(sheet.png);
    expect(sheet).toMatchObject({ classes: 2, images: 15, width: page.width, height: page.height });
    const area = 112 * 84; // 40×30 px in a square of 112
    expect(page.count([254, 0, 0]) / area).toBeCloseTo(12, -0.5);
    expect(page.count([0, 0, 254]) / area).toBeCloseTo(3, 0);
    expect(page.at(12 + 56, 12 + 30 + 56).map((value) => value > 128)).toEqual([true, false, false]);
    expect(page.at(12 + 56, 12 + 30 + 5)).toEqual([0, 0, 0]); // the bar above
    expect(page.at(page.width - 1, page.height - 1)).toEqual([255, 255, 255]);
  });

  it("spreads what it shows over a large class", async () => {
    for (let mark = 0; mark < 9; mark += 1) {
      const colour = mark < 3 ? "#ff0000" : mark < 6 ? "#00ff00" : "#0000ff";
      await workspace.put(`photos/a/${mark}.jpg`, await photo(colour));
    }
    const sheet = await contactSheet(await surveyFolder(join(workspace.base, "photos")), 3);
    const page = await decode(sheet.png);
    expect(sheet.images).toBe(3);
    const area = 112 * 84;
    for (const colour of [
      [254, 0, 0],
      [0, 255, 1],
      [0, 0, 254],
    ]) {
      expect(page.count(colour) / area).toBeCloseTo(1, 0);
    }
  });

  it("takes names of any kind, and images that are gone since", async () => {
    const names = [
      "\u001b]0;title\u0007",
      "a\nb",
      `"q'uote" & <b>`,
      "&#0;",
      "חדש עברית",
      "日本語 👟",
      "a\u202eb",
      "x".repeat(250),
    ];
    for (const [index, name] of names.entries()) {
      await workspace.put(`photos/${name}/${name.slice(0, 200)}.jpg`, await photo("white", index));
    }
    const survey = await surveyFolder(join(workspace.base, "photos"));
    await rm(join(workspace.base, "photos", survey.images[0]?.path ?? ""));
    const sheet = await contactSheet(survey);
    expect(sheet).toMatchObject({ classes: names.length, images: names.length });
    expect((await decode(sheet.png)).height).toBe(sheet.height);
  });
});

describe("a line of text", () => {
  const line = { size: 16, colour: "#000000", maxWidth: 1000 };

  it("shows markup as it is written", async () => {
    const plain = await drawText({ ...line, text: "b" });
    const tagged = await drawText({ ...line, text: "<b>b</b>" });
    expect(tagged.width).toBeGreaterThan(3 * plain.width);
  });

  it("is dark on white, and cut off where there is no more room", async () => {
    const { pixels, width, height } = await drawText({ ...line, text: "wide ".repeat(40), maxWidth: 100 });
    expect([width, pixels.length]).toEqual([100, 100 * height * 3]);
    expect([Math.min(...pixels) < 80, Math.max(...pixels)]).toEqual([true, 255]);
  });

  it.each(["", " ", "\u200b", "\u0000"])("draws %j without failing", async (text) => {
    expect((await drawText({ ...line, text })).height).toBeGreaterThan(0);
  });
});

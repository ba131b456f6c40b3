import type { FolderSurvey } from "@thaw/assets";
import { describe, expect, it } from "vitest";
import { type DataCheckReport, dataCheckReport } from "../src/data-check/data-check-report.ts";
import { dataCheckText } from "../src/data-check/data-check-text.ts";

type Image = FolderSurvey["images"][number];

function image(path: string, label: number, changes: Partial<Image> = {}): Image {
  const facts = { bytes: 1000, sha256: path, format: "jpeg", width: 400, height: 300, orientation: null };
  return { path, label, hash: [0, 0], ...facts, ...changes };
}

/** A survey of classes with so many images each. */
function surveyOf(sizes: Readonly<Record<string, number>>, changes: Partial<FolderSurvey> = {}): FolderSurvey {
  const images = Object.entries(sizes).flatMap(([name, count], label) =>
    Array.from({ length: count }, (_, index) => image(`${name}/${index}.jpg`, label)),
  );
  return {
    root: "/photos",
    classes: Object.entries(sizes).map(([name, count]) => ({ name, images: count, unreadable: 0, otherFiles: [] })),
    images,
    unreadable: [],
    duplicates: [],
    near: { pairs: [], withinClasses: 0, acrossClasses: 0 },
    series: null,
    nearBits: 6,
    ...changes,
  };
}

function codes({ findings }: DataCheckReport): string[] {
  return findings.map(({ severity, code }) => `${severity} ${code}`);
}

describe("figures of a set", () => {
  it("are shares, imbalance with its baseline, and sizes", () => {
    const survey = surveyOf({ boots: 30, mules: 0, sandals: 10 });
    const images = [
      image("boots/x.jpg", 0, { width: 100, height: 200 }),
      image("boots/y.png", 0, { width: 300, height: 150, format: "png", orientation: 6 }),
      image("sandals/z.jpg", 2, { width: 1000, height: 500 }),
    ];
    const { figures } = dataCheckReport({ ...survey, images: [...images] }, 160);
    expect(figures).toMatchObject({
      images: 3,
      imbalance: { largest: "boots", smallest: "sandals", ratio: 3 },
      width: { min: 100, median: 300, max: 1000 },
      height: { min: 150, median: 200, max: 500 },
      aspectRatio: { min: 0.5, median: 2, max: 2 },
      enlarged: 2,
      turned: 1,
      formats: [
        { format: "jpeg", images: 2 },
        { format: "png", images: 1 },
      ],
    });
    const even = dataCheckReport({ ...survey, images: images.slice(0, 2) }, 160).figures;
    expect([even.width?.median, even.height?.median]).toEqual([200, 175]);
    const { imbalance, classes } = dataCheckReport(survey, 160).figures;
    expect([imbalance?.baseline, classes.map(({ name }) => name)]).toEqual([0.75, ["boots", "sandals"]]);
  });
});

describe("findings", () => {
  it("are none where there is nothing to say", () => {
    const report = dataCheckReport(surveyOf({ boots: 30, sandals: 30 }), 160);
    expect([report.trainable, report.findings]).toEqual([true, []]);
  });

  it.each([
    [{ boots: 30 }, ["error one-class"]],
    [{ boots: 30, sandals: 0 }, ["error one-class", "warning empty-class"]],
    [{ boots: 0, sandals: 0 }, ["error no-images", "warning empty-class"]],
    [{ boots: 30, sandals: 2 }, ["error class-too-small", "warning imbalance"]],
    [{ boots: 30, sandals: 3 }, ["warning class-small", "warning imbalance"]],
    [{ boots: 60, sandals: 20 }, ["warning imbalance"]],
    [{ boots: 59, sandals: 20 }, []],
  ])("of %j are %j", (sizes, expected) => {
    const report = dataCheckReport(surveyOf(sizes), 160);
    expect(codes(report)).toEqual(expected);
    expect(report.trainable).toBe(!expected.some((code) => code.startsWith("error")));
  });

  it("name copies, conflicts first, and say what they do to held-out figures", () => {
    const report = dataCheckReport(
      surveyOf(
        { boots: 30, sandals: 30 },
        {
          duplicates: [
            { paths: ["boots/1.jpg", "boots/2.jpg"], acrossClasses: false },
            { paths: ["boots/3.jpg", "sandals/3.jpg"], acrossClasses: true },
          ],
          near: {
            pairs: [
              { first: 0, second: 31, bits: 4, acrossClasses: true },
              { first: 4, second: 5, bits: 2, acrossClasses: false },
            ],
            withinClasses: 1,
            acrossClasses: 1,
          },
        },
      ),
      160,
    );
    expect(codes(report)).toEqual([
      "warning labels-conflict",
      "warning near-duplicate-labels-conflict",
      "warning duplicate",
      "warning near-duplicate",
    ]);
    expect(report.findings.map(({ items }) => items)).toEqual([
      ["boots/3.jpg = sandals/3.jpg"],
      ["boots/0.jpg ~ sandals/1.jpg (4 bits)"],
      ["boots/1.jpg = boots/2.jpg"],
      ["boots/4.jpg ~ boots/5.jpg (2 bits)"],
    ]);
    expect(report.findings[3]?.advice).toMatch(/split\.by.*held-out figures come out too good.*"group"/);
    expect(report.nearDuplicates.pairs[0]?.paths).toEqual(["boots/0.jpg", "sandals/1.jpg"]);
  });

  it("warn of photos that are passed over by their type, and only note other files", () => {
    const withFiles = (files: readonly string[]): FolderSurvey => {
      const survey = surveyOf({ boots: 30, sandals: 30 });
      return {
        ...survey,
        classes: survey.classes.map((one, index) => (index === 0 ? { ...one, otherFiles: files } : one)),
      };
    };
    const photos = dataCheckReport(withFiles(["boots/a.HEIC", "boots/b.heic", "boots/notes"]), 160).findings[0];
    expect(photos).toMatchObject({ severity: "warning", code: "passed-over" });
    expect(photos?.message).toBe("Files in class folders that are passed over by their type: .heic 2, no extension 1.");
    expect(photos?.advice).toMatch(/^Photos among them: 2\./);
    expect(codes(dataCheckReport(withFiles(["boots/a.txt"]), 160))).toEqual(["note passed-over"]);
  });

  it("warn where many images are enlarged, note where few are, and note long ones", () => {
    const withSmall = (count: number): string[] => {
      const survey = surveyOf({ boots: 30, sandals: 30 });
      const images = survey.images.map((one, index) => (index < count ? { ...one, width: 150, height: 140 } : one));
      return codes(dataCheckReport({ ...survey, images }, 160));
    };
    expect([withSmall(6), withSmall(7)]).toEqual([["note enlarged"], ["warning enlarged"]]);
    const survey = surveyOf({ boots: 30, sandals: 30 });
    const long = survey.images.map((one, index) => (index === 0 ? { ...one, width: 900 } : one));
    expect(dataCheckReport({ ...survey, images: long }, 160).findings).toMatchObject([
      { severity: "note", code: "long", items: ["boots/0.jpg (900×300)"] },
    ]);
  });
});

describe("the text of a check", () => {
  it("lets no name reach the terminal as more than text", () => {
    const name = "\u001b[31mred\nnext\u202e";
    const survey = surveyOf({ [name]: 1, sandals: 1 }, { unreadable: [{ path: `${name}/x.jpg`, reason: "\u0007" }] });
    const text = dataCheckText(dataCheckReport(survey, 160));
    expect(text).toContain("\\u001b[31mred\\nnext\\u202e");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });

  it("names ten of many files and counts the rest", () => {
    const unreadable = Array.from({ length: 14 }, (_, index) => ({ path: `boots/${index}.jpg`, reason: "cut" }));
    const text = dataCheckText(dataCheckReport(surveyOf({ boots: 30, sandals: 30 }, { unreadable }), 160));
    expect(text).toContain("boots/9.jpg (cut)");
    expect(text).not.toContain("boots/10.jpg (cut)");
    expect(text).toContain("… and 4 more (--json has all)");
    expect(text).toContain("This can be trained on: 0 errors, 1 warning, 0 notes.");
  });
});

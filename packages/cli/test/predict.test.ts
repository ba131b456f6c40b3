import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { ROOT, SMALL_SPEC, specFile, temporaryFolder, thaw } from "./command-line.ts";

const RED_PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
const EVIL = "evil\u001b[31m\u202ered\u009b2J.png";
const CLASSES = ["sandal", "sneaker", "ankle_boot"];

let folder: string;
let model: string;
let photos: string;

interface Line {
  readonly file: string;
  readonly error?: string;
  readonly class?: string;
  readonly probability?: number;
  readonly top?: readonly { readonly class: string; readonly probability: number }[];
}

const linesOf = (stdout: string): Line[] =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);

beforeAll(async () => {
  folder = temporaryFolder();
  model = join(folder, "small.model.safetensors");
  photos = join(folder, "photos");
  mkdirSync(join(photos, "more"), { recursive: true });
  copyFileSync(join(ROOT, "packages", "assets", "data", "fashion-shoes.png"), join(photos, "b.png"));
  writeFileSync(join(photos, "more", "c.PNG"), RED_PIXEL);
  writeFileSync(join(photos, EVIL), RED_PIXEL);
  writeFileSync(join(photos, "a.jpg"), "no image");
  writeFileSync(join(photos, "notes.txt"), "no image and not named like one");
  const run = await thaw(["run", specFile(SMALL_SPEC), "--out", join(folder, "out"), "--save-model", model]);
  expect(run.code).toBe(0);
});

describe("thaw predict", { timeout: 180_000 }, () => {
  it("answers every image, names what cannot be read, and fails for it at the end", async () => {
    const missing = join(photos, "none.png");
    const run = await thaw(["predict", model, photos, missing, "--json", "--top", "3"]);
    expect(run.code).toBe(2);
    const lines = linesOf(run.stdout);
    expect(lines.map(({ file }) => file)).toEqual([
      join(photos, "a.jpg"),
      join(photos, "b.png"),
      join(photos, EVIL),
      join(photos, "more", "c.PNG"),
      missing,
    ]);
    expect(lines.map(({ error }) => error)).toEqual([
      "no JPEG, PNG or WebP image",
      undefined,
      undefined,
      undefined,
      "there is no such file",
    ]);
    for (const { top = [], class: best, probability } of lines.filter(({ error }) => error === undefined)) {
      expect(top.map((guess) => guess.class).sort()).toEqual([...CLASSES].sort());
      expect(top.reduce((sum, guess) => sum + guess.probability, 0)).toBeCloseTo(1, 5);
      expect(top.map((guess) => guess.probability)).toEqual(
        top.map((guess) => guess.probability).sort((first, second) => second - first),
      );
      expect([best, probability]).toEqual([top[0]?.class, top[0]?.probability]);
    }
    expect(lines[2]?.top).toEqual(lines[3]?.top); // the same picture under two names
    expect(lines[1]?.top).not.toEqual(lines[2]?.top);
    expect(run.stderr).toContain("2 of 5 images cannot be read");
  });

  it("gives the same answers one by one, through a pattern, and on another runner", async () => {
    const images = join(photos, "*.png");
    const together = await thaw(["predict", model, images, "--json", "--top", "2"]);
    const alone = await thaw(["predict", model, images, "--json", "--top", "2", "--batch", "1"]);
    const judged = await thaw(["predict", model, images, "--json", "--top", "2", "--runner", "reference"]);
    expect([together.code, alone.code, judged.code]).toEqual([0, 0, 0]);
    expect(linesOf(together.stdout)).toHaveLength(2);
    for (const [index, { file, class: best, probability }] of linesOf(together.stdout).entries()) {
      for (const { stdout } of [alone, judged]) {
        const other = linesOf(stdout)[index];
        expect([other?.file, other?.class]).toEqual([file, best]);
        expect(other?.probability).toBeCloseTo(probability ?? Number.NaN, 5);
      }
    }
  });

  it("prints a table in which no name can do anything to a terminal", async () => {
    const table = await thaw(["predict", model, photos, "--top", "2"]);
    const json = await thaw(["predict", model, photos, "--json"]);
    for (const output of [table.stdout, table.stderr, json.stdout]) {
      expect(output).not.toMatch(/[^\P{Cc}\n]|[\u202a-\u202e]/u);
    }
    const [head = "", ...rows] = table.stdout.trimEnd().split("\n");
    expect(head).toMatch(/^file +class +probability$/);
    expect(rows).toHaveLength(1 + 3 * 2);
    expect(rows[0]).toMatch(/a\.jpg +– +cannot be read: no JPEG, PNG or WebP image$/);
    expect(rows[1]).toMatch(/b\.png +(sandal|sneaker|ankle_boot) +\d+\.\d % [█▏▎▍▌▋▊▉]*$/);
    expect(rows.find((row) => row.includes("evil"))).toContain("evil\\u001b[31m\\u202ered\\u009b2J.png");
  });

  it.each([
    [
      "a picture for a model",
      ["photos/b.png", "photos"],
      /\(model-invalid\).*is no saved model[\s\S]*hint: .*thaw import/,
    ],
    ["no model", ["none", "photos"], /\(model-unreadable\).*there is no such file/],
    ["a runner that does not predict", ["MODEL", "photos", "--runner", "cpu"], /\(predict-unsupported\): Runner "cpu"/],
    ["a count that is none", ["MODEL", "photos", "--top", "0"], /\(option-invalid\): --top 0/],
    ["an unknown rule", ["MODEL", "photos", "--resize", "cut"], /\(option-invalid\): --resize cut/],
  ] as const)("refuses %s", async (_, args, message) => {
    const paths: Record<string, string> = { MODEL: model, photos, none: join(folder, "none") };
    const found = args.map((arg) => paths[arg] ?? arg.replace("photos/", `${photos}/`));
    const run = await thaw(["predict", ...found]);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(message);
    expect(run.stdout).toBe("");
  });
});

describe("thaw export", { timeout: 180_000 }, () => {
  it("writes every format and a card, and never into a folder that has something", async () => {
    const out = join(folder, "exported");
    const run = await thaw(["export", model, "--to", "keras,tfjs,onnx,safetensors", "--out", out]);
    expect(run.stderr).toBe("");
    expect(run.code).toBe(0);
    const files = ["MODEL_CARD.md", "classes.json", "model.keras", "model.onnx", "model.safetensors", "tfjs"];
    expect(readdirSync(out).sort()).toEqual(files);
    expect(JSON.parse(readFileSync(join(out, "classes.json"), "utf8"))).toEqual(CLASSES);
    const card = readFileSync(join(out, "MODEL_CARD.md"));
    const again = await thaw(["export", model, "--to", "onnx", "--out", out]);
    expect(again.code).toBe(2);
    expect(again.stderr).toContain("exported files are never overwritten");
    expect(readFileSync(join(out, "MODEL_CARD.md")).equals(card)).toBe(true);
    expect(readdirSync(folder).filter((name) => name.endsWith(".part"))).toEqual([]);
    const exported = await thaw(["predict", join(out, "model.safetensors"), photos]);
    expect(exported.code).toBe(2);
    expect(exported.stderr).toContain("no saved model: it has weights and no record");
  });

  it("names the formats that there are", async () => {
    const run = await thaw(["export", model, "--to", "keras,tflite", "--out", join(folder, "none")]);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/There is no format "tflite"[\s\S]*tfjs, keras, safetensors, onnx/);
  });
});

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import { decodeFiles, surveyFolder } from "@thaw/assets";
import { ThawError } from "@thaw/core";
import fc from "fast-check";
import sharp from "sharp";
import { byteEdits, damagedBytes } from "../input/byte-edits.ts";
import { type CorpusFile, corpusFile } from "../input/corpus.ts";
import { workFolder } from "../input/work-folder.ts";
import { expectSame, MEGABYTE, oneFile, type Target, target } from "../target.ts";

interface Input {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Pixels of an undamaged image, [SIDE, SIDE, 3]. */
  readonly pixels: Uint8Array | null;
}

const SIDE = 32;

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

/** A PNG of 8-bit RGB that says it has other sides than its rows. */
function pngOf(rows: Uint8Array, width: number, height: number): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width >>> 0, 0);
  header.writeUInt32BE(height >>> 0, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const parts = [chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", new Uint8Array())];
  return Uint8Array.from(Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), ...parts]));
}

function goodPng(pixels: Uint8Array): Uint8Array {
  const rows = new Uint8Array(SIDE * (SIDE * 3 + 1));
  for (let row = 0; row < SIDE; row += 1) {
    rows.set(pixels.subarray(row * SIDE * 3, (row + 1) * SIDE * 3), row * (SIDE * 3 + 1) + 1);
  }
  return pngOf(rows, SIDE, SIDE);
}

const sides = fc.constantFrom(0, 1, SIDE, 4000, 12_247, 12_248, 30_000, 65_535, 1_000_000, 2 ** 31 - 1, 2 ** 32 - 1);

/** Little that says it is large. */
const bombs: fc.Arbitrary<Input> = fc.oneof(
  fc.tuple(sides, sides, fc.constantFrom(0, 1000, 40 * MEGABYTE)).map(([width, height, bytes]) => ({
    name: "bomb.png",
    bytes: pngOf(new Uint8Array(bytes), width, height),
    pixels: null,
  })),
  fc.tuple(sides, sides).map(([width, height]) => ({
    name: "bomb.svg.png",
    bytes: new TextEncoder().encode(
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="9" height="9"/></svg>`,
    ),
    pixels: null,
  })),
  fc.integer({ min: 2, max: 9 }).map((levels) => {
    const entities = Array.from({ length: levels }, (_, n) => `<!ENTITY e${n + 1} "${`&e${n};`.repeat(10)}">`).join("");
    const text = `<!DOCTYPE svg [<!ENTITY e0 "ha">${entities}]><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>&e${levels};</text></svg>`;
    return { name: "laughs.jpg", bytes: new TextEncoder().encode(text), pixels: null };
  }),
);

async function photos(): Promise<readonly CorpusFile[]> {
  const assets = process.env.THAW_ASSETS;
  const folder = assets === undefined ? undefined : join(assets.split(":")[0] ?? "", "shoes", "boots");
  const real =
    folder === undefined
      ? []
      : readdirSync(folder)
          .sort()
          .slice(0, 4)
          .map((name) => readFileSync(join(folder, name)));
  const sheet = readFileSync(new URL("../../../packages/assets/data/fashion-shoes.png", import.meta.url));
  const sources = [...real, await sharp(sheet).extract({ left: 0, top: 0, width: 96, height: 64 }).png().toBuffer()];
  const files: CorpusFile[] = [];
  for (const [index, source] of sources.entries()) {
    const small = sharp(source).resize(48, 40, { fit: "fill" }).toColourspace("srgb");
    files.push(
      corpusFile(
        `${index}.jpg`,
        await small
          .clone()
          .jpeg()
          .withExif({ IFD0: { Software: "x" } })
          .toBuffer(),
      ),
    );
    files.push(corpusFile(`${index}-progressive.jpg`, await small.clone().jpeg({ progressive: true }).toBuffer()));
    files.push(corpusFile(`${index}.png`, await small.clone().png().toBuffer()));
    files.push(corpusFile(`${index}-palette.png`, await small.clone().png({ palette: true }).toBuffer()));
    files.push(corpusFile(`${index}.webp`, await small.clone().webp().toBuffer()));
    files.push(corpusFile(`${index}-lossless.webp`, await small.clone().webp({ lossless: true }).toBuffer()));
    files.push(corpusFile(`${index}.gif`, await small.clone().gif().toBuffer()));
  }
  return files;
}

/** Offsets of a JPEG's and a PNG's segments, where their lengths and sides stand. */
function withMarks(file: CorpusFile): CorpusFile {
  const marks: number[] = [];
  for (let at = 0; at + 4 < file.bytes.length; at += 1) {
    const [a = 0, b = 0] = file.bytes.subarray(at, at + 2);
    if (a === 0xff && b >= 0xc0 && b !== 0xff) marks.push(at + 2);
    const type = Buffer.from(file.bytes.subarray(at, at + 4)).toString("latin1");
    if (/^(IHDR|IDAT|PLTE|IEND|VP8 |VP8L|VP8X|EXIF|Exif|RIFF)$/.test(type)) marks.push(at, at + 4);
  }
  return { ...file, marks };
}

/** Photos: decoded as training and prediction decode them, and inspected as `thaw data check` does. */
export async function imageTarget(): Promise<Target> {
  const files = (await photos()).map(withMarks);
  const folder = workFolder();
  const pixels = fc.uint8Array({ minLength: SIDE * SIDE * 3, maxLength: SIDE * SIDE * 3 });
  return target<Input>({
    name: "image",
    share: 10,
    codes: ["image-unreadable"],
    growthBytes: 640 * MEGABYTE,
    inputs: fc.oneof(
      { weight: 2, arbitrary: pixels.map((own) => ({ name: "good.png", bytes: goodPng(own), pixels: own })) },
      {
        weight: 16,
        arbitrary: fc.tuple(fc.constantFrom(...files), byteEdits).map(([file, edits]) => ({
          name: file.name,
          bytes: damagedBytes(file.bytes, edits, file.marks),
          pixels: null,
        })),
      },
      { weight: 1, arbitrary: bombs },
    ),
    async read(input) {
      const path = join(folder, input.name);
      writeFileSync(path, input.bytes);
      const decodings = [];
      for await (const { decoded } of decodeFiles([{ name: path }, { name: path }], SIDE, "stretch"))
        decodings.push(decoded);
      const [first, second] = decodings;
      const reason = first === undefined ? "nothing came" : "reason" in first ? first.reason : undefined;
      if (reason !== undefined) throw new ThawError("image-unreadable", reason, { hint: "–" });
      const [a, b] = [first, second].map((decoded) =>
        decoded !== undefined && "pixels" in decoded ? decoded.pixels : new Uint8Array(),
      );
      expectSame("pixels", a?.length, SIDE * SIDE * 3, a?.length === SIDE * SIDE * 3);
      expectSame("pixels decoded again", null, null, Buffer.from(a ?? []).equals(Buffer.from(b ?? [])));
      if (input.pixels !== null)
        expectSame("pixels", null, null, Buffer.from(a ?? []).equals(Buffer.from(input.pixels)));
      return a;
    },
    files: ({ name, bytes }) => oneFile(name, bytes),
  });
}

interface Entry {
  readonly path: string;
  readonly file: number;
}

/** Folders of photos: which files count, what is unreadable and what is the same is known from how they were made. */
export async function folderTarget(): Promise<Target> {
  const good = (await photos()).filter(({ name }) => /\.(jpg|png|webp)$/.test(name));
  const bad = new TextEncoder().encode("no image");
  const work = workFolder();
  let made = 0;
  const part = fc.constantFrom(
    "a",
    "b",
    "__proto__",
    "constructor",
    "é",
    "x y",
    ".hidden",
    "‮gnp",
    "-rf",
    "$(id)",
    "c.jpg",
    "a\nb",
    "<b>",
  );
  const entry = fc.record({
    path: fc
      .tuple(fc.array(part, { minLength: 1, maxLength: 3 }), fc.constantFrom(".jpg", ".PNG", ".webp", ".txt", ""))
      .map(([parts, ending]) => `${parts.join("/")}/${parts.at(-1)}${ending}`),
    file: fc.nat(good.length),
  });
  return target<readonly Entry[]>({
    name: "folder",
    share: 1,
    codes: ["images-outside-classes", "no-classes", "data-not-found"],
    growthBytes: 192 * MEGABYTE,
    inputs: fc.uniqueArray(entry, { selector: ({ path }) => path, maxLength: 6 }),
    async read(entries) {
      const root = join(work, `folder-${made++}`);
      mkdirSync(root);
      const there = new Map<string, Uint8Array>();
      for (const { path, file } of entries) {
        const bytes = good[file]?.bytes ?? bad;
        try {
          mkdirSync(join(root, path, ".."), { recursive: true });
          writeFileSync(join(root, path), bytes);
          there.set(path, bytes);
        } catch {
          // a folder has the name already, or a file has the folder's
        }
      }
      const survey = await surveyFolder(root);
      const seen = [...there].filter(
        ([path]) => path.split("/").every((name) => !name.startsWith(".")) && /\.(jpe?g|png|webp)$/i.test(path),
      );
      const [readable, unreadable] = [
        seen.filter(([, bytes]) => bytes !== bad),
        seen.filter(([, bytes]) => bytes === bad),
      ];
      const names = (list: readonly (readonly [string, unknown])[]): string =>
        list
          .map(([path]) => path)
          .sort()
          .join("|");
      const found = survey.images
        .map(({ path }) => path)
        .sort()
        .join("|");
      expectSame("readable images", found, names(readable), found === names(readable));
      const refused = survey.unreadable
        .map(({ path }) => path)
        .sort()
        .join("|");
      expectSame("unreadable images", refused, names(unreadable), refused === names(unreadable));
      const contents = new Set(readable.map(([, bytes]) => bytes));
      const copies = survey.duplicates.reduce((sum, { paths }) => sum + paths.length - 1, 0);
      expectSame("copies", copies, readable.length - contents.size, copies === readable.length - contents.size);
      return survey;
    },
    files: (entries) => new Map(entries.map(({ path, file }) => [path, good[file]?.bytes ?? bad])),
  });
}

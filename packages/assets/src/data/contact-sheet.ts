import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import sharp from "sharp";
import { decodeImage } from "./decoder.ts";
import { inOrder } from "./pipeline.ts";
import type { FolderSurvey } from "./survey.ts";
import { drawText, type Picture, type TextLine } from "./text-image.ts";

/** A sheet as a PNG file, and what it shows. */
export interface ContactSheet {
  readonly png: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly classes: number;
  readonly images: number;
}

const TILE = 112;
const GAP = 8;
const COLUMNS = 10;
const MARGIN = 12;
const HEADING = 30;
const CAPTION = 14;
/** What has room below an image at 9 px, in most scripts. */
const CAPTION_CHARACTERS = 19;
const WIDTH = 2 * MARGIN + COLUMNS * (TILE + GAP) - GAP;
const ROW = TILE + CAPTION + GAP;
/** Images of a class at most: three rows. */
const PER_CLASS = 3 * COLUMNS;
/** A sheet of all classes together has so many at most, which makes 18 million pixels. */
const MAX_IMAGES = 1000;
/** Classes shown at most, so that each has a row. */
const MAX_CLASSES = MAX_IMAGES / COLUMNS;
const PARALLEL = 4;

/** So many items spread evenly over a list, the first one among them. */
function spread<Item>(items: readonly Item[], count: number): Item[] {
  const taken = Math.min(count, items.length);
  return Array.from({ length: taken }, (_, index) => items[Math.floor((index * items.length) / taken)] as Item);
}

/** A white page that pictures are laid on. */
function blankPage(height: number): Picture {
  return { pixels: new Uint8Array(WIDTH * height * 3).fill(255), width: WIDTH, height };
}

function lay(page: Picture, { pixels, width, height }: Picture, left: number, top: number): void {
  for (let row = 0; row < Math.min(height, page.height - top); row += 1) {
    const line = pixels.subarray(row * width * 3, (row + 1) * width * 3);
    page.pixels.set(line, ((top + row) * page.width + left) * 3);
  }
}

/** A name that a caption has room for, with both its ends: the beginning tells files apart, the end is their kind. */
function shortName(path: string): string {
  const characters = Array.from(basename(path));
  if (characters.length <= CAPTION_CHARACTERS) return characters.join("");
  const end = Math.floor(CAPTION_CHARACTERS / 2);
  return `${characters.slice(0, CAPTION_CHARACTERS - 1 - end).join("")}…${characters.slice(-end).join("")}`;
}

/** An image and its file's name. @returns null for an image that cannot be read any more */
async function tileOf(root: string, path: string): Promise<{ picture: Picture | null; caption: Picture }> {
  const bytes = await readFile(join(root, path)).catch(() => new Uint8Array());
  const decoded = await decodeImage(bytes, TILE, "pad");
  const picture = "pixels" in decoded ? { pixels: decoded.pixels, width: TILE, height: TILE } : null;
  return { picture, caption: await drawText({ text: shortName(path), size: 9, colour: "#666666", maxWidth: TILE }) };
}

const headingLine = (text: string, before = "", after = ""): TextLine => ({
  before,
  text,
  after,
  size: 16,
  colour: "#111111",
  maxWidth: WIDTH - 2 * MARGIN,
});

/**
 * Draws a page of small images, class by class, each with its file's name: a mislabelled or odd photo shows at a glance.
 * Images keep their shape, with black bars; a class with many shows some, spread evenly over its files.
 * @param perClass images of a class at most
 */
export async function contactSheet(survey: FolderSurvey, perClass: number = PER_CLASS): Promise<ContactSheet> {
  const named = survey.classes.flatMap(({ name, images }, label) => (images === 0 ? [] : [{ name, images, label }]));
  const shown = named.slice(0, MAX_CLASSES);
  const limit = Math.min(perClass, Math.max(COLUMNS, Math.floor(MAX_IMAGES / Math.max(shown.length, 1))));
  const blocks = shown.map(({ name, images, label }) => {
    const chosen = spread(
      survey.images.filter((image) => image.label === label),
      limit,
    );
    const some = chosen.length < images ? `, ${chosen.length} shown` : "";
    const heading = headingLine(name, `${label + 1}. `, `: ${images} ${images === 1 ? "image" : "images"}${some}`);
    return { chosen, heading, height: HEADING + Math.ceil(chosen.length / COLUMNS) * ROW };
  });
  const more = named.length - shown.length;
  const height = blocks.reduce((sum, block) => sum + block.height, 2 * MARGIN + (more > 0 ? HEADING : 0));
  const page = blankPage(height);
  let top = MARGIN;
  for (const { chosen, heading, height: blockHeight } of blocks) {
    lay(page, await drawText(heading), MARGIN, top);
    let place = 0;
    for await (const { picture, caption } of inOrder(chosen, PARALLEL, ({ path }) => tileOf(survey.root, path))) {
      const left = MARGIN + (place % COLUMNS) * (TILE + GAP);
      const tileTop = top + HEADING + Math.floor(place / COLUMNS) * ROW;
      if (picture !== null) lay(page, picture, left, tileTop);
      lay(page, caption, left, tileTop + TILE + 1);
      place += 1;
    }
    top += blockHeight;
  }
  if (more > 0) lay(page, await drawText(headingLine(`and ${more} more classes`)), MARGIN, top);
  const raw = { width: WIDTH, height, channels: 3 } as const;
  const png = await sharp(page.pixels, { raw }).png().toBuffer();
  return { png, width: WIDTH, height, classes: shown.length, images: blocks.reduce((n, b) => n + b.chosen.length, 0) };
}

import { printable } from "@thaw/core";
import sharp from "sharp";

/** Pixels, uint8 `[height, width, 3]`. */
export interface Picture {
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** A text in one line, dark on white. */
export interface TextLine {
  readonly text: string;
  /** Stands before the text, and after it, whatever direction that is read in. */
  readonly before?: string;
  readonly after?: string;
  /** Points at 72 dpi: pixels. */
  readonly size: number;
  readonly colour: string;
  /** What is wider is cut off there, pixels. */
  readonly maxWidth: number;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
/** No line of a sheet has room for more; a name may have 255. */
const MAX_CHARACTERS = 120;
/** A name in Hebrew or Arabic stands where others do, and leaves what is around it in place. */
const LEFT_TO_RIGHT = "\u200e";
const ISOLATE = "\u2068";
const END_ISOLATE = "\u2069";

/** Pango's markup for any text: what is not printable shows as an escape. */
function markup({ before = "", text, after = "", colour }: TextLine): string {
  const shown = Array.from(printable(text)).slice(0, MAX_CHARACTERS).join("");
  const line = `${before}${ISOLATE}${shown}${END_ISOLATE}${after}`;
  const escaped = line.replace(/[&<>]/g, (character) => ENTITIES[character] ?? character);
  return `<span foreground="${colour}">${LEFT_TO_RIGHT}${escaped}</span>`;
}

/** Draws one line of text with the machine's fonts; characters that none of them has show as boxes. */
export async function drawText(content: TextLine): Promise<Picture> {
  const { before = "", text, after = "", size, maxWidth } = content;
  if (`${before}${text}${after}`.trim() === "") return { pixels: new Uint8Array(3).fill(255), width: 1, height: 1 }; // sharp draws no blanks
  const line = sharp({ text: { text: markup(content), font: `sans ${size}`, dpi: 72, rgba: true } });
  const { data, info } = await line
    .flatten({ background: "#ffffff" })
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.width <= maxWidth) return { pixels: data, width: info.width, height: info.height };
  const cut = new Uint8Array(maxWidth * info.height * 3);
  for (let row = 0; row < info.height; row += 1) {
    const start = row * info.width * 3;
    cut.set(data.subarray(start, start + maxWidth * 3), row * maxWidth * 3);
  }
  return { pixels: cut, width: maxWidth, height: info.height };
}

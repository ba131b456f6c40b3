/** Formats whose files are decoded. */
export const DECODED_FORMATS: readonly string[] = ["jpeg", "png", "webp"];

/** What stands at which byte of a format's files, as Latin-1. */
const SIGNATURES: readonly (readonly [format: string, signature: string, at?: number])[] = [
  ["jpeg", "\xff\xd8\xff"],
  ["png", "\x89PNG\r\n\x1a\n"],
  ["webp", "WEBP", 8],
  ["gif", "GIF8"],
  ["tiff", "II*\0"],
  ["tiff", "MM\0*"],
  ["heif", "ftyp", 4],
  ["bmp", "BM"],
  ["pdf", "%PDF"],
];
const SVG = /^\s*<(\?xml|!doctype svg|!--|svg)/i;

const LOOKED_AT = 64;

/** The format that a file begins like; undefined where it is none that is known. */
export function imageFormat(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.subarray(0, LOOKED_AT));
  const text = head.toString("latin1");
  const found = SIGNATURES.find(([, signature, at = 0]) => text.startsWith(signature, at));
  if (found !== undefined) return found[0];
  return SVG.test(head.toString("utf8").replace(/^\uFEFF/, "")) ? "svg" : undefined;
}

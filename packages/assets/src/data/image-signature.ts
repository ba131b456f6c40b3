/** Formats whose files are decoded. */
export const DECODED_FORMATS: readonly string[] = ["jpeg", "png", "webp"];

/** How files of a format begin, as Latin-1; `.` stands for any byte. */
const SIGNATURES: readonly (readonly [format: string, signature: RegExp])[] = [
  ["jpeg", /^\xff\xd8\xff/],
  ["png", /^\x89PNG\r\n\x1a\n/],
  ["webp", /^RIFF[^]{4}WEBP/],
  ["gif", /^GIF8[79]a/],
  ["tiff", /^(II[*+]\0|MM\0[*+])/],
  ["heif", /^[^]{4}ftyp/],
  ["bmp", /^BM/],
  ["pdf", /^%PDF/],
  ["svg", /^(\xef\xbb\xbf)?\s*<(\?xml|!doctype svg|!--|svg)/i],
];

const LOOKED_AT = 64;

/** The format that a file begins like; undefined where it is none that is known. */
export function imageFormat(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.subarray(0, LOOKED_AT)).toString("latin1");
  return SIGNATURES.find(([, signature]) => signature.test(head))?.[0];
}

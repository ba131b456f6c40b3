import type { DataSpec } from "@thaw/core";
import sharp, { type Sharp } from "sharp";
import { DECODED_FORMATS, imageFormat } from "./image-signature.ts";

/** How an image becomes square: distorted, its centre cut out, or with black bars. */
export type ResizeRule = Exclude<DataSpec, { kind: "tensors" }>["resize"];

/** Pixels, uint8 `[size, size, 3]`, or why there are none. */
export type Decoded = { readonly pixels: Uint8Array } | { readonly reason: string };

/** Larger files are refused unread; the largest phone photos are a tenth of it. */
export const MAX_FILE_BYTES: number = 256 * 1024 * 1024;
/** Larger images are refused before they are decoded: 150 million pixels are 450 MB. Phones reach 108 million. */
const MAX_PIXELS = 150_000_000;
/** No JPEG can be wider; libvips keeps a hundred rows, 300 MB where one has a million pixels. */
const MAX_SIDE = 65_535;
/** An image that is decoded for longer is given up; the largest take seconds. */
const MAX_SECONDS = 60;
const FITS = { stretch: "fill", crop: "cover", pad: "contain" } as const;
const LIBRARIES = ["vips", "jpeg", "mozjpeg", "png", "spng", "webp", "lcms"] as const;

/** Describes how {@link decodeImage} makes pixels: whatever may change its bytes. Part of the cache key. */
export function decodingOf(rule: ResizeRule): Readonly<Record<string, string | number>> {
  const versions: Readonly<Record<string, string | undefined>> = sharp.versions;
  const libraries = LIBRARIES.flatMap((name) => (versions[name] === undefined ? [] : [`${name} ${versions[name]}`]));
  return {
    decoder: `sharp ${sharp.versions.sharp}`,
    libraries: libraries.join(", "),
    resize: rule,
    kernel: "linear",
    colour: "sRGB, 8 bit, alpha over white",
  };
}

/** Scales an opened image and takes its pixels; the order of steps is sharp's own: turn, flatten, scale, convert. */
async function squarePixels(image: Sharp, imageSize: number, rule: ResizeRule): Promise<Uint8Array> {
  const { data, info } = await image
    .flatten({ background: "#ffffff" })
    .resize(imageSize, imageSize, { fit: FITS[rule], kernel: "linear", background: "#000000", fastShrinkOnLoad: false })
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(`${info.channels} channels after conversion to sRGB`);
  return data;
}

function reasonOf(error: unknown): string {
  const message = (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
  if (message.includes("unsupported image format")) return "no JPEG, PNG or WebP image";
  if (message.includes("exceeds pixel limit")) return `more than ${MAX_PIXELS / 1e6} million pixels`;
  // libvips keeps one error text for all threads: while other images are decoded, the detail can be lost.
  if (message.includes("failOn setting")) return "the image is damaged or cut off";
  return message.replace(/^Input buffer has corrupt header: /, "");
}

/**
 * Decodes one image file: EXIF orientation honoured, embedded profiles, CMYK, grey and 16 bit turned into sRGB of 8 bit,
 * transparency laid over white, then scaled bilinearly: antialiased where it shrinks (unlike Keras's default), and where it
 * enlarges sampled half an output pixel to the upper left, as libvips does. An animated WebP gives its first frame.
 * @param bytes the whole file; JPEG, PNG or WebP by content, whatever its name
 * @returns uint8 `[imageSize, imageSize, 3]`, or the reason why the file is refused
 */
export async function decodeImage(bytes: Uint8Array, imageSize: number, rule: ResizeRule): Promise<Decoded> {
  if (bytes.byteLength === 0) return { reason: "the file is empty" };
  // Before libvips sees it: an SVG is a program, and none of its other readers is needed.
  const format = imageFormat(bytes);
  if (format === undefined) return { reason: "no JPEG, PNG or WebP image" };
  if (!DECODED_FORMATS.includes(format)) return { reason: `the content is ${format}, not JPEG, PNG or WebP` };
  try {
    const image = sharp(bytes, { autoOrient: true, limitInputPixels: MAX_PIXELS, failOn: "warning" });
    const { width, height } = await image.metadata();
    if (Math.max(width, height) > MAX_SIDE) return { reason: `a side of more than ${MAX_SIDE} pixels` };
    return { pixels: await squarePixels(image.timeout({ seconds: MAX_SECONDS }), imageSize, rule) };
  } catch (error) {
    return { reason: reasonOf(error) };
  }
}

/**
 * Scales grey pixels as {@link decodeImage} scales photos.
 * @param pixels uint8 `[side, side]`
 * @returns uint8 `[imageSize, imageSize, 3]`
 */
export async function decodeGrey(
  pixels: Uint8Array,
  side: number,
  imageSize: number,
  rule: ResizeRule,
): Promise<Decoded> {
  return {
    pixels: await squarePixels(sharp(pixels, { raw: { width: side, height: side, channels: 1 } }), imageSize, rule),
  };
}

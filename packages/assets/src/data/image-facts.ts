import { readFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { sha256 } from "../sha256.ts";
import { decodeImage } from "./decoder.ts";
import { openProblem } from "./file-problem.ts";
import type { Candidate } from "./folder.ts";
import { type PerceptualHash, perceptualHash } from "./perceptual-hash.ts";

/** What is known of a readable image. */
export interface ImageFacts {
  /** Below the data folder, with `/`. */
  readonly path: string;
  /** Index into the classes. */
  readonly label: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly format: string;
  /** Pixels, as seen: turned as EXIF says. */
  readonly width: number;
  readonly height: number;
  /** EXIF orientation, 2 to 8, where it turns or mirrors the image. */
  readonly orientation: number | null;
  readonly hash: PerceptualHash;
}

/** An image's facts, or why training cannot read it. */
export type Inspected = ImageFacts | { readonly path: string; readonly label: number; readonly reason: string };

/** Size at which images are decoded to be hashed, pixels; the hash itself looks at 32. */
const HASHED_SIZE = 160;

/**
 * Reads one image whole, exactly as training does, and says what it is.
 * @param root the data folder
 */
export async function inspectImage(root: string, candidate: Candidate): Promise<Inspected> {
  const { id: path, label, problem } = candidate;
  if (problem !== undefined) return { path, label, reason: problem };
  let bytes: Buffer;
  try {
    bytes = await readFile(join(root, path));
  } catch (error) {
    return { path, label, reason: openProblem(error) };
  }
  const decoded = await decodeImage(bytes, HASHED_SIZE, "stretch");
  if ("reason" in decoded) return { path, label, reason: decoded.reason };
  const { format, autoOrient, orientation = 1 } = await sharp(bytes).metadata();
  return {
    path,
    label,
    bytes: bytes.byteLength,
    sha256: sha256(bytes),
    format,
    width: autoOrient.width,
    height: autoOrient.height,
    orientation: orientation === 1 ? null : orientation,
    hash: await perceptualHash(decoded.pixels, HASHED_SIZE),
  };
}

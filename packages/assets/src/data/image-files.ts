import { readFile, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { glob, isDynamicPattern } from "tinyglobby";
import { compareCodePoints } from "./code-points.ts";
import { type Decoded, decodeImage, type ResizeRule } from "./decoder.ts";
import { openProblem, sizeProblem } from "./file-problem.ts";
import { isImageName, listImages } from "./folder-listing.ts";
import { inOrder } from "./pipeline.ts";

/** An image that somebody named, or that lies where somebody said. */
export interface ImageFile {
  /** As a person reads it: the path as it was given, and what lies below it. */
  readonly name: string;
  /** Why it is known to be unreadable without opening it. */
  readonly problem?: string;
}

/** An image file and its pixels, or why there are none. */
export interface DecodedFile {
  readonly name: string;
  readonly decoded: Decoded;
}

/** Images decoded at the same time; each may hold a whole photo in memory. */
const PARALLEL = 4;

async function imagesAt(path: string): Promise<readonly ImageFile[]> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory()) {
    const { files, unreadable } = await listImages(path);
    const problems = unreadable.map(({ path: below, reason }) => ({ name: join(path, below), problem: reason }));
    const images = [...files.map(({ path: below }) => ({ name: join(path, below) })), ...problems];
    if (images.length === 0) return [{ name: path, problem: "the folder has no JPEG, PNG or WebP image" }];
    return images.sort((first, second) => compareCodePoints(first.name, second.name));
  }
  if (found !== null) {
    if (!found.isFile()) return [{ name: path, problem: "it is no file" }];
    const problem = sizeProblem(found.size);
    return [{ name: path, ...(problem === undefined ? {} : { problem }) }];
  }
  if (!isDynamicPattern(path)) return [{ name: path, problem: "there is no such file" }];
  const names = await glob(path, { absolute: isAbsolute(path), expandDirectories: false, followSymbolicLinks: false });
  const images = names.filter(isImageName).sort(compareCodePoints);
  if (images.length === 0) return [{ name: path, problem: "no JPEG, PNG or WebP image has such a name" }];
  return images.map((name) => ({ name }));
}

/**
 * Lists images: files as they are, folders with all that lies below them, and patterns such as `photos/*.jpg` where
 * no file has that very name. What is not there is listed with its reason.
 */
export async function findImages(paths: readonly string[]): Promise<readonly ImageFile[]> {
  const lists: ImageFile[] = [];
  for (const path of paths) lists.push(...(await imagesAt(path)));
  return lists;
}

async function decodeFile({ name, problem }: ImageFile, imageSize: number, rule: ResizeRule): Promise<DecodedFile> {
  if (problem !== undefined) return { name, decoded: { reason: problem } };
  try {
    return { name, decoded: await decodeImage(await readFile(name), imageSize, rule) };
  } catch (error) {
    return { name, decoded: { reason: openProblem(error) } };
  }
}

/** Decodes image files as training decodes them, a few ahead of whoever takes them, in their order. */
export function decodeFiles(
  files: readonly ImageFile[],
  imageSize: number,
  rule: ResizeRule,
): AsyncGenerator<DecodedFile, void, undefined> {
  return inOrder(files, PARALLEL, (file) => decodeFile(file, imageSize, rule));
}

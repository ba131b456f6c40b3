import type { Dirent } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { ThawError } from "@thaw/core";
import { compareCodePoints } from "./code-points.ts";

/** An image file; `path` is relative to the data folder, with `/`. */
export interface ListedFile {
  readonly path: string;
  readonly bytes: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
}

/** An image that cannot be used, and why. */
export interface Unreadable {
  readonly path: string;
  readonly reason: string;
}

/** A class folder with all that lies in it. */
export interface ListedClass {
  readonly name: string;
  readonly files: readonly ListedFile[];
  /** Links out of the folder, broken links and folders that cannot be opened. */
  readonly unreadable: readonly Unreadable[];
  /** Paths of files with other extensions, which are passed over. */
  readonly otherFiles: readonly string[];
}

export interface FolderListing {
  /** The folder with every symbolic link resolved. */
  readonly root: string;
  readonly classes: readonly ListedClass[];
}

const IMAGE_EXTENSIONS = new Set([".jpg", ".jpeg", ".png", ".webp"]);

type Entry =
  | { readonly kind: "folder"; readonly real: string }
  | { readonly kind: "image"; readonly file: ListedFile }
  | { readonly kind: "other" }
  | { readonly kind: "unreadable"; readonly reason: string };

function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

/** Whether a name ends as JPEG, PNG and WebP files do. */
export function isImageName(name: string): boolean {
  return IMAGE_EXTENSIONS.has(extname(name).toLowerCase());
}

/** Says what an entry is, links followed as long as they stay inside the folder. */
async function entryOf(root: string, parent: string, path: string, entry: Dirent): Promise<Entry> {
  const full = join(parent, entry.name);
  const isImage = isImageName(entry.name);
  if (!entry.isDirectory() && !entry.isSymbolicLink() && !isImage) return { kind: "other" };
  try {
    const real = entry.isSymbolicLink() ? await realpath(full) : full;
    const found = await stat(real);
    if (!found.isDirectory() && !isImage) return { kind: "other" };
    if (real !== root && !real.startsWith(root.endsWith(sep) ? root : root + sep)) {
      return { kind: "unreadable", reason: "a symbolic link out of the data folder" };
    }
    if (found.isDirectory()) return { kind: "folder", real };
    if (!found.isFile()) return { kind: "unreadable", reason: "not a regular file" };
    return { kind: "image", file: { path, bytes: found.size, mtimeMs: found.mtimeMs, ctimeMs: found.ctimeMs } };
  } catch (error) {
    if (!isImage && errorCode(error) === "ENOENT") return { kind: "other" };
    if (errorCode(error) !== "ENOENT") return { kind: "unreadable", reason: errorCode(error) };
    if (entry.isSymbolicLink()) return { kind: "unreadable", reason: "a broken symbolic link" };
    return { kind: "unreadable", reason: "its name is no valid UTF-8, or it was removed just now" };
  }
}

/** Lists a class folder and its subfolders. @param above the real paths of the folders that lead here */
async function listClass(root: string, path: string, real: string, above: readonly string[]): Promise<ListedClass> {
  const files: ListedFile[] = [];
  const unreadable: Unreadable[] = [];
  const otherFiles: string[] = [];
  if (above.includes(real)) {
    return {
      name: path,
      files,
      otherFiles,
      unreadable: [{ path, reason: "a symbolic link back to a folder above it" }],
    };
  }
  let entries: Dirent[];
  try {
    entries = await readdir(real, { withFileTypes: true });
  } catch (error) {
    return {
      name: path,
      files,
      otherFiles,
      unreadable: [{ path, reason: `the folder cannot be opened (${errorCode(error)})` }],
    };
  }
  for (const entry of entries) {
    if (entry.name.startsWith(".")) continue;
    const child = `${path}/${entry.name}`;
    const found = await entryOf(root, real, child, entry);
    if (found.kind === "image") files.push(found.file);
    else if (found.kind === "other") otherFiles.push(child);
    else if (found.kind === "unreadable") unreadable.push({ path: child, reason: found.reason });
    else {
      const below = await listClass(root, child, found.real, [...above, real]);
      files.push(...below.files);
      unreadable.push(...below.unreadable);
      otherFiles.push(...below.otherFiles);
    }
  }
  files.sort((first, second) => compareCodePoints(first.path, second.path));
  unreadable.sort((first, second) => compareCodePoints(first.path, second.path));
  otherFiles.sort(compareCodePoints);
  return { name: path, files, unreadable, otherFiles };
}

/**
 * Lists the images of a folder and of the folders in it, in code-point order of their paths.
 * @returns paths relative to the folder, with `/`
 */
export async function listImages(
  folder: string,
): Promise<{ readonly files: readonly ListedFile[]; readonly unreadable: readonly Unreadable[] }> {
  const root = await realpath(folder);
  const { files, unreadable } = await listClass(root, ".", root, []);
  return { files, unreadable };
}

async function openRoot(folder: string, where: string): Promise<{ root: string; entries: Dirent[] }> {
  const hint =
    "Set data.path to a folder that holds one folder of images per class; a relative path starts at the spec's folder.";
  try {
    const root = await realpath(folder);
    if (!(await stat(root)).isDirectory()) {
      throw new ThawError("data-not-a-folder", `The data path "${where}" is a file, expected a folder.`, { hint });
    }
    return { root, entries: await readdir(root, { withFileTypes: true }) };
  } catch (error) {
    if (error instanceof ThawError) throw error;
    if (errorCode(error) === "ENOENT") {
      throw new ThawError("data-not-found", `The data folder "${where}" does not exist (looked at ${folder}).`, {
        hint,
      });
    }
    throw new ThawError("data-unreadable", `The data folder "${where}" cannot be opened (${errorCode(error)}).`, {
      hint,
      cause: error,
    });
  }
}

/**
 * Lists a folder of class folders: `class/*.{jpg,jpeg,png,webp}` in any case, subfolders of a class included, hidden files
 * and folders left out, classes and files in code-point order. Links are followed inside the folder only.
 * @param where what messages call the folder
 * @throws ThawError `data-not-found`, `data-not-a-folder`, `data-unreadable`, `no-classes`, `images-outside-classes`
 * @see keras.utils.image_dataset_from_directory
 */
export async function listFolder(folder: string, where: string): Promise<FolderListing> {
  const { root, entries } = await openRoot(folder, where);
  const classes: ListedClass[] = [];
  const stray: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith(".")) continue;
    const found = await entryOf(root, root, entry.name, entry);
    if (found.kind === "folder") classes.push(await listClass(root, entry.name, found.real, [root]));
    else if (found.kind === "unreadable" && !isImageName(entry.name)) {
      classes.push({
        name: entry.name,
        files: [],
        otherFiles: [],
        unreadable: [{ path: entry.name, reason: found.reason }],
      });
    } else if (found.kind !== "other") stray.push(entry.name);
  }
  if (stray.length > 0) {
    stray.sort(compareCodePoints);
    const named = stray.slice(0, 20).join(", ") + (stray.length > 20 ? ` and ${stray.length - 20} more` : "");
    throw new ThawError(
      "images-outside-classes",
      `The data folder "${where}" has ${stray.length} images outside its class folders: ${named}.`,
      {
        hint: "Move each image into the folder of its class, or out of the data folder.",
        details: { count: stray.length, files: stray.slice(0, 20) },
      },
    );
  }
  if (classes.length === 0) {
    throw new ThawError("no-classes", `The data folder "${where}" has no class folders.`, {
      hint: "Make one folder per class in it, named as the class, and put the images there.",
    });
  }
  classes.sort((first, second) => compareCodePoints(first.name, second.name));
  return { root, classes };
}

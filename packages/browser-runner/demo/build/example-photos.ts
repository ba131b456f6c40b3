import { copyFile, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { ThawError } from "@thaw/core";
import type { ShippedExamples } from "./manifest.ts";

const PICTURE = /\.(jpe?g|png|webp)$/i;

async function sortedNames(folder: string, kind: "file" | "folder"): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => (kind === "file" ? entry.isFile() && PICTURE.test(entry.name) : entry.isDirectory()))
    .map(({ name }) => name)
    .sort();
}

/**
 * Copies photos from a folder with a folder a class.
 * @param most photos of each class
 * @throws ThawError `option-invalid` where there are fewer than two such folders
 */
export async function shipExamples(
  source: string,
  {
    most,
    classes: wanted,
    credit,
  }: { readonly most: number; readonly classes: readonly string[]; readonly credit: string },
  folder: string,
): Promise<ShippedExamples> {
  const names = (await sortedNames(source, "folder")).filter((name) => wanted.length === 0 || wanted.includes(name));
  if (names.length < 2) {
    throw new ThawError(
      "option-invalid",
      `--examples ${source} has ${names.length} folders of photos that are wanted.`,
      {
        hint: "Name a folder with a folder a class, two or more.",
      },
    );
  }
  const classes: { name: string; files: string[] }[] = [];
  for (const name of names) {
    const files = (await sortedNames(join(source, name), "file")).slice(0, most);
    await mkdir(join(folder, name), { recursive: true });
    for (const file of files) await copyFile(join(source, name, file), join(folder, name, file));
    classes.push({ name, files });
  }
  return { credit, classes };
}

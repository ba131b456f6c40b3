import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { temporaryFolder } from "./command-line.ts";

/** The folder of 346 real photos, where THAW_ASSETS names one. */
export const SHOES: string | undefined = (process.env.THAW_ASSETS ?? "")
  .split(delimiter)
  .map((folder) => join(folder, "shoes"))
  .find((folder) => existsSync(join(folder, "boots")));

/** The first photos of a class, by name. */
export function shoes(name: string, count: number): readonly Buffer[] {
  const folder = join(SHOES ?? "", name);
  return readdirSync(folder)
    .sort()
    .slice(0, count)
    .map((file) => readFileSync(join(folder, file)));
}

/** A fresh folder with these files in it. */
export function photoFolder(files: Readonly<Record<string, Uint8Array | string>>): string {
  const folder = join(temporaryFolder(), "my photos");
  mkdirSync(folder);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

/** Classes with their first photos, numbered. */
export function shoeFiles(sizes: Readonly<Record<string, number>>): Record<string, Uint8Array> {
  return Object.fromEntries(
    Object.entries(sizes).flatMap(([name, count]) =>
      shoes(name, count).map((photo, index) => [`${name}/${index + 1}.jpg`, photo] as const),
    ),
  );
}

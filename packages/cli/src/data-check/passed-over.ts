import { extname } from "node:path";
import type { FolderSurvey } from "@thaw/assets";
import type { DataFinding } from "./data-findings.ts";

/** Photos in formats that are not read: who has them will miss them. */
const PHOTOS = new Set(
  ".heic .heif .hif .avif .jfif .jpe .jxl .gif .bmp .tif .tiff .dng .cr2 .cr3 .nef .arw .raf .orf .rw2".split(" "),
);

/** Files that are no JPEG, PNG or WebP by name: a warning where they are photos all the same. */
export function passedOverFinding({ classes }: FolderSurvey): readonly DataFinding[] {
  const files = classes.flatMap(({ otherFiles }) => otherFiles);
  if (files.length === 0) return [];
  const counts = new Map<string, number>();
  for (const file of files) {
    const kind = extname(file).toLowerCase() || "no extension";
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const kinds = [...counts].sort(([, a], [, b]) => b - a).map(([kind, count]) => `${kind} ${count}`);
  const photos = files.filter((file) => PHOTOS.has(extname(file).toLowerCase()));
  const message = `Files in class folders that are passed over by their type: ${kinds.join(", ")}.`;
  const advice =
    photos.length > 0
      ? `Photos among them: ${photos.length}. Convert them to JPEG (heif-convert, ImageMagick's magick mogrify -format jpg); a .jfif or .jpe need only be renamed to .jpg.`
      : "Nothing, unless photos are among them: only .jpg, .jpeg, .png and .webp are read.";
  return [{ severity: photos.length > 0 ? "warning" : "note", code: "passed-over", message, advice, items: files }];
}

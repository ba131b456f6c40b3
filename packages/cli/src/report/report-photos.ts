import { dirname } from "node:path";
import { makeThumbnails } from "@thaw/assets";
import { canonicalJson, type Result } from "@thaw/core";
import { type Photos, wantedPhotos } from "@thaw/report";

/**
 * Finds the photos that a report shows and makes small pictures of them.
 * @param folders where results lie: data may lie beside them
 */
export async function reportPhotos(results: readonly Result[], folders: readonly string[]): Promise<Photos> {
  const images = new Map<string, string>();
  const missing = new Map<string, string>();
  const bySpec = new Map<string, { result: Result; ids: string[] }>();
  for (const { id, result } of wantedPhotos(results)) {
    const { data, seed, model } = result.spec;
    const key = canonicalJson([data, data.limit === undefined ? 0 : seed, model.imageSize]);
    const entry = bySpec.get(key) ?? { result, ids: [] };
    entry.ids.push(id);
    bySpec.set(key, entry);
  }
  const baseDirs = [process.cwd(), ...folders.flatMap((folder) => [folder, dirname(folder)])];
  for (const { result, ids } of bySpec.values()) {
    const found = await makeThumbnails(result.spec, ids, { baseDirs });
    for (const [id, bytes] of found.images) {
      images.set(id, `data:image/jpeg;base64,${Buffer.from(bytes).toString("base64")}`);
    }
    for (const [id, reason] of found.missing) missing.set(id, reason);
  }
  return { kind: "shown", images, missing };
}

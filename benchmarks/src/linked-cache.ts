import { mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "@thaw/runner-kit";

/** A cache with all that set-up put into this machine's, but none of its kept outputs. */
export function linkCache(folder: string): void {
  const real = cacheFolder(process.env);
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(real)) {
    if (name !== "features") symlinkSync(join(real, name), join(folder, name));
  }
}

import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

const FOREIGN_MS = 24 * 60 * 60 * 1000;

/**
 * A folder to build in, beside what it becomes, so that one rename makes it real.
 * @param {string} parent exists
 * @returns {string} a new empty folder
 */
export function temporaryFolder(parent) {
  return mkdtempSync(join(parent, `.tmp-${hostname()}-`));
}

/**
 * Removes what killed set-ups left. Only for the holder of the set-up lock: then whatever this host has left is nobody's;
 * another host's goes after a day.
 * @param {string} parent
 */
export function sweepTemporaryFolders(parent) {
  if (!existsSync(parent)) return;
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(".tmp-")) continue;
    const path = join(parent, name);
    const own = name.startsWith(`.tmp-${hostname()}-`);
    if (own || Date.now() - statSync(path).mtimeMs > FOREIGN_MS) rmSync(path, { recursive: true, force: true });
  }
}

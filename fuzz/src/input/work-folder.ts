import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

let root: string | undefined;

/** A folder of this process's own, which goes with it; a new one each time. */
export function workFolder(): string {
  if (root === undefined) {
    const own = mkdtempSync(join(tmpdir(), "thaw-fuzz-"));
    process.on("exit", () => rmSync(own, { recursive: true, force: true }));
    root = own;
  }
  return mkdtempSync(join(root, "target-"));
}

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder of this process's own, which goes with it. */
export function workFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "thaw-fuzz-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MAIN = join(ROOT, "packages/cli/src/main.ts");

/**
 * Starts `thaw` from its sources; what it writes to stderr is there to be read.
 * @param env variables beside this process's own
 */
export function startThaw(args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
  return spawn(process.execPath, ["--conditions=source", "--import", "tsx", MAIN, ...args], {
    cwd: ROOT, // children find the loader from there
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
}

import { spawn } from "node:child_process";
import { join } from "node:path";

/** @typedef {import("./machine.mjs").Machine} Machine */

/**
 * Runs the built `thaw` in the repository's root, with this process's terminal.
 * @param {Machine} machine
 * @param {readonly string[]} args
 * @returns {Promise<number>} its exit code
 */
export function runThaw(machine, args) {
  const thaw = join(machine.root, "packages", "cli", "bin", "thaw.js");
  const child = spawn(process.execPath, [thaw, ...args], { cwd: machine.root, stdio: "inherit" });
  // Ctrl-C reaches the child too: it stops cleanly and says so, and this process must outlive it.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve(status ?? 1));
  });
}

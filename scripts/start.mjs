/**
 * The main job: set-up, then the freeze-depth sweep on the built-in photos, on libtensorflow and on WebGPU, and how far
 * the two are apart. Further arguments go to `thaw sweep`; a runner named there takes the place of these two.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { thisMachine } from "./setup/machine.mjs";
import { describeError } from "./setup/setup-error.mjs";
import { setUp } from "./setup.mjs";

const SPEC = "benchmarks/specs/default.json";
const RESULTS = "results/default";
const RUNNERS = "node,webgpu";

async function main() {
  const machine = thisMachine();
  await setUp(machine);
  const thaw = join(machine.root, "packages", "cli", "bin", "thaw.js");
  const args = [thaw, "sweep", SPEC, "--out", RESULTS, "--runner", RUNNERS, ...process.argv.slice(2)];
  const child = spawn(process.execPath, args, { cwd: machine.root, stdio: "inherit" });
  // Ctrl-C reaches the child too: it stops cleanly and says so, and this process must outlive it.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve(status ?? 1));
  });
}

main().then(
  (status) => {
    process.exitCode = status;
  },
  (error) => {
    console.error(describeError(error));
    process.exitCode = 1;
  },
);

/**
 * The main job: set-up, then the freeze-depth sweep on the built-in photos, on libtensorflow and on WebGPU, and how far
 * the two are apart. Further arguments go to `thaw sweep`; a runner named there takes the place of these two.
 */
import { thisMachine } from "./setup/machine.mjs";
import { describeError } from "./setup/setup-error.mjs";
import { runThaw } from "./setup/thaw.mjs";
import { setUp } from "./setup.mjs";

const SPEC = "benchmarks/specs/default.json";
const RESULTS = "results/default";
const RUNNERS = "node,webgpu";

async function main() {
  const machine = thisMachine();
  await setUp(machine);
  const args = ["sweep", SPEC, "--out", RESULTS, "--runner", RUNNERS, ...process.argv.slice(2)];
  return await runThaw(machine, args);
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

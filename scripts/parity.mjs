/**
 * Set-up with Keras, then `thaw parity`: with a spec and options as given, else the parity spec at four freeze depths on
 * libtensorflow and on WebGPU.
 */
import { thisMachine } from "./setup/machine.mjs";
import { describeError } from "./setup/setup-error.mjs";
import { runThaw } from "./setup/thaw.mjs";
import { setUp } from "./setup.mjs";

const DEFAULTS = ["benchmarks/specs/parity.json", "--depths", "0,50,100,154"];

async function main() {
  const machine = thisMachine();
  const given = process.argv.slice(2);
  const namesSpec = given[0] !== undefined && !given[0].startsWith("-");
  const usesKeras = !given.some(
    (arg, index) => /^--judge(=|$)/.test(arg) && !`${arg} ${given[index + 1]}`.includes("keras"),
  );
  await setUp(machine, { keras: usesKeras });
  return await runThaw(machine, ["parity", ...(namesSpec ? [] : DEFAULTS), ...given]);
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

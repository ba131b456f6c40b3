import { SetupError } from "../setup/setup-error.mjs";

/** Runs in a process of its own: a library that crashes when it is loaded must not take set-up with it. */
const SCRIPT = `
const binding = require(process.argv[1]);
const type = { name: "T", type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
const ids = [[1, 2], [10, 20]].map((values) => binding.createTensor([2], binding.TF_FLOAT, new Float32Array(values)));
const [sum] = binding.executeOp("AddV2", [type], ids, 1);
const values = [...binding.tensorDataSync(sum.id)];
console.log(JSON.stringify({ tfVersion: binding.TF_Version, usingGpu: binding.isUsingGpuDevice(), values }));
`;

function endOf(/** @type {import("../setup/machine.mjs").Finished} */ { signal, status }) {
  return signal ? `was ended by ${signal}` : `ended with status ${status}`;
}

/**
 * Loads a new addon and adds two vectors with it.
 * @param {import("../setup/machine.mjs").Machine} machine
 * @param {string} addon
 * @returns {Promise<{ tfVersion: string, usingGpu: boolean }>}
 */
export async function smokeTest(machine, addon) {
  const finished = await machine.run(process.execPath, ["-e", SCRIPT, addon], { env: { TF_CPP_MIN_LOG_LEVEL: "2" } });
  const line = finished.stdout.trim().split("\n").at(-1) ?? "";
  if (finished.status === 0 && line.startsWith("{")) {
    const { tfVersion, usingGpu, values } = JSON.parse(line);
    if (values[0] === 11 && values[1] === 22) return { tfVersion, usingGpu };
  }
  const how = endOf(finished);
  const reason = finished.stderr.split("\n").filter((text) => /error|undefined symbol|cannot open|GLIBC/i.test(text));
  throw new SetupError(
    "addon-broken",
    `The addon was built, and a process that adds two vectors with it ${how}.`,
    reason.slice(0, 4).join("\n") || "Please report this with the output of: npx thaw doctor --json",
  );
}

/** Keeps half of each of two moving statistics and takes the rest from the batch: 1 · 0.5 + 3 · 0.5, 2 · 0.5 + 8 · 0.5. */
const KERNEL_SCRIPT = `
const binding = require(process.argv[1]);
require(process.argv[2]).start(2);
const attributes = ["momentum", "rest"].map((name) => ({ name, type: binding.TF_ATTR_FLOAT, value: 0.5 }));
attributes.push({ name: "N", type: binding.TF_ATTR_INT, value: 2 });
const ids = [1, 2, 3, 8].map((value) => binding.createTensor([1], binding.TF_FLOAT, new Float32Array([value])));
const results = binding.executeOp("ThawMovingStatistics", attributes, ids, 2);
console.log(JSON.stringify(results.map(({ id }) => binding.tensorDataSync(id)[0])));
`;

/**
 * Loads a new library of kernels beside the addon and runs one of them.
 * @param {import("../setup/machine.mjs").Machine} machine
 * @param {string} addon
 * @param {string} library
 */
export async function smokeTestKernels(machine, addon, library) {
  const env = { TF_CPP_MIN_LOG_LEVEL: "2" };
  const finished = await machine.run(process.execPath, ["-e", KERNEL_SCRIPT, addon, library], { env });
  if (finished.status === 0 && finished.stdout.trim().endsWith("[2,5]")) return;
  const how = endOf(finished);
  throw new SetupError(
    "kernels-broken",
    `The kernels were built, and a process that runs one of them ${how}.`,
    finished.stderr.split("\n").slice(-4).join("\n"),
  );
}

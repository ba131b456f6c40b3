import { dirname, join } from "node:path";
import { findOnPath } from "../setup/machine.mjs";
import { SetupError } from "../setup/setup-error.mjs";

/**
 * Node-API version 8 is in every Node since 12.22: one addon serves them all.
 * @param {readonly string[]} optimisation
 */
const flagsWith = (optimisation) => ["-std=c++17", ...optimisation, "-fPIC", "-shared", "-DNAPI_VERSION=8"];

/** How tfjs-node's addon is compiled. */
export const COMPILER_FLAGS = flagsWith(["-O2"]);

/**
 * @typedef {import("../setup/machine.mjs").Machine} Machine
 * @typedef {object} Compilation
 * @property {readonly string[]} sources
 * @property {readonly string[]} includeFolders
 * @property {readonly string[]} libraries paths to link with
 * @property {string} rpath where the addon looks for them when it is loaded
 * @property {string} output
 * @property {readonly string[]} [flags] how to optimise; without them as the addon is
 */

/**
 * @param {Machine} machine
 * @returns {Promise<{ command: string, version: string }>} `$CXX`, else the first of g++, c++, clang++
 */
export async function requireCompiler(machine) {
  const { CXX } = machine.env;
  const names = CXX ? [CXX] : ["g++", "c++", "clang++"];
  for (const name of names) {
    const command = name.includes("/") ? name : findOnPath(name, machine.env);
    if (command === undefined) continue;
    const finished = await machine.run(command, ["--version"]);
    if (finished.status === 0) return { command, version: finished.stdout.split("\n")[0] ?? name };
  }
  throw new SetupError(
    "compiler-missing",
    `A C++ compiler is needed to build the addon, and ${CXX ? `CXX (${CXX}) does not start` : "neither g++, c++ nor clang++ is on PATH"}.`,
    "On Debian and Ubuntu: apt install g++. Or set CXX to a C++17 compiler.",
  );
}

/**
 * @param {Machine} machine
 * @param {string} compiler
 * @param {Compilation} compilation
 */
export async function compileAddon(machine, compiler, { sources, includeFolders, libraries, rpath, output, flags }) {
  const args = [
    ...(flags === undefined ? COMPILER_FLAGS : flagsWith(flags)),
    ...includeFolders.map((folder) => `-I${folder}`),
    ...sources,
    "-o",
    output,
  ];
  args.push(...libraries, `-Wl,-rpath,${rpath}`);
  if (machine.platform === "darwin") {
    args.push("-undefined", "dynamic_lookup"); // Node-API's symbols are in the node that loads the addon
  } else {
    // For a library that names its neighbour without a path of its own (a hand-made LIBTENSORFLOW_DIR).
    for (const folder of new Set(libraries.map((library) => dirname(library)))) args.push(`-Wl,-rpath-link,${folder}`);
  }
  // The compiler's temporary files too lie where the next set-up sweeps, should this one be killed.
  const finished = await machine.run(compiler, args, { env: { TMPDIR: dirname(output) } });
  if (finished.status === 0) return;
  const errors = finished.stderr.split("\n").filter((line) => /error|cannot find|undefined reference/i.test(line));
  throw new SetupError(
    "compile-failed",
    `${compiler} could not build the addon from ${join(dirname(sources[0] ?? ""), "*.cc")}.`,
    `${errors.slice(0, 6).join("\n")}\nIt takes a C++17 compiler: g++ 8 or clang 7 and up.`,
  );
}

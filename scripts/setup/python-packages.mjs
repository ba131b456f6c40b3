import { chmodSync, existsSync, renameSync, rmSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { sweepTemporaryFolders, temporaryFolder } from "../native/temporary-folder.mjs";
import { hashOfFiles, readJson, writeAtomically } from "./content-hash.mjs";
import { findBasePython, makeEnvironment } from "./python-environment.mjs";
import { SetupError } from "./setup-error.mjs";

/**
 * @typedef {import("./machine.mjs").Machine} Machine
 * @typedef {import("./python-environment.mjs").PythonEnvironment} PythonEnvironment
 * @typedef {PythonEnvironment & { key: string, versions: string }} Installed paths as in PythonEnvironment
 */

/**
 * @typedef {{
 *   name: string, words: string, pins: string, about: string, variable: string, code: string,
 * }} PythonPackages name: of the folder and of the file that points at it; words: what a person calls it; pins: file
 *   with the pinned packages; about: a program that prints `thaw: ` and the versions; variable: of the environment, it
 *   names a Python that has the packages already; code: of the error where they cannot be loaded
 */

/**
 * Makes a Python with pinned packages stand in `<cache>/<name>-<hash of what is pinned>/`, and writes down which Python
 * that is in `<cache>/<name>.json`. Built in a temporary folder and made real by one rename, so a killed set-up leaves
 * nothing to be trusted.
 * @param {Machine} machine
 * @param {PythonPackages} wanted
 * @returns {Promise<string>} the outcome in a few words
 * @throws {SetupError} `python-missing`, `pip-missing`, `download-failed`, and the code of what is wanted
 */
export async function providePackages(machine, wanted) {
  const { name, words, pins, variable } = wanted;
  const own = machine.env[variable];
  if (own) {
    const hint = `Give a Python that has ${words}, or unset it: set-up then installs them.`;
    return `${await versionsOf(machine, wanted, { python: own, packages: null }, hint)} (${variable})`;
  }
  const base = await findBasePython(machine, words, variable);
  const also = [base.version, machine.platform, machine.arch];
  const key = `${name}-${hashOfFiles(machine.root, [pins], also).slice(0, 8)}`;
  const folder = join(machine.cacheFolder, key);
  const there = installedIn(folder);
  if (there !== undefined) return pointAt(machine, name, folder, there, ", already there");
  sweepTemporaryFolders(machine.cacheFolder);
  const temporary = temporaryFolder(machine.cacheFolder);
  try {
    const made = await makeEnvironment(machine, base, { words, pins }, temporary);
    const hint = "Remove the folder and start again; if that does not help, please report it.";
    const versions = await versionsOf(machine, wanted, absolute(made, temporary), hint);
    const installed = { key, ...made, versions };
    writeAtomically(join(temporary, "manifest.json"), `${JSON.stringify(installed, null, 2)}\n`);
    chmodSync(temporary, 0o755);
    if (existsSync(folder)) renameSync(folder, join(temporaryFolder(machine.cacheFolder), "broken"));
    renameSync(temporary, folder);
    sweepTemporaryFolders(machine.cacheFolder);
    return pointAt(machine, name, folder, installed, "");
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** @returns {Installed | undefined} what an earlier set-up left there, if it still works on this machine's Python */
function installedIn(/** @type {string} */ folder) {
  /** @type {Installed | undefined} */
  const manifest = readJson(join(folder, "manifest.json"));
  return manifest !== undefined && existsSync(absolute(manifest, folder).python) ? manifest : undefined;
}

/** @returns {{ python: string, packages: string | null }} */
function absolute(/** @type {PythonEnvironment} */ { python, packages }, /** @type {string} */ folder) {
  return {
    python: isAbsolute(python) ? python : join(folder, python),
    packages: packages === null ? null : join(folder, packages),
  };
}

/** @returns {string} the outcome in a few words */
function pointAt(
  /** @type {Machine} */ machine,
  /** @type {string} */ name,
  /** @type {string} */ folder,
  /** @type {Installed} */ installed,
  /** @type {string} */ note,
) {
  const { key, versions, how } = installed;
  const file = join(machine.cacheFolder, `${name}.json`);
  const { python, packages } = absolute(installed, folder);
  const text = `${JSON.stringify({ key, python, packages, how, versions }, null, 2)}\n`;
  if (JSON.stringify(readJson(file)) !== JSON.stringify(JSON.parse(text))) writeAtomically(file, text);
  return `${versions} (${how})${note}`;
}

/**
 * @param {Machine} machine
 * @param {PythonPackages} wanted
 * @param {{ python: string, packages: string | null }} environment
 * @param {string} hint
 * @returns {Promise<string>} such as "Keras 3.15.1 on TensorFlow 2.21.0"
 */
async function versionsOf(machine, { about, code, words }, { python, packages }, hint) {
  const env = { KERAS_BACKEND: "tensorflow", TF_CPP_MIN_LOG_LEVEL: "2", PYTHONPATH: packages ?? undefined };
  const { status, stdout, stderr } = await machine.run(python, ["-c", about], { env });
  const found = /^thaw: (.+)$/m.exec(stdout)?.[1];
  if (status === 0 && found !== undefined) return found;
  const last = stderr.trim().split("\n").at(-1) ?? "";
  throw new SetupError(code, `${python} cannot load ${words}: ${last || `it ended with status ${status}`}.`, hint);
}

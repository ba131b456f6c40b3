import { chmodSync, existsSync, renameSync, rmSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { sweepTemporaryFolders, temporaryFolder } from "../native/temporary-folder.mjs";
import { hashOfFiles, readJson, writeAtomically } from "./content-hash.mjs";
import { findBasePython, makeEnvironment } from "./python-environment.mjs";
import { SetupError } from "./setup-error.mjs";

/**
 * @typedef {import("./machine.mjs").Machine} Machine
 * @typedef {import("./python-environment.mjs").PythonEnvironment} PythonEnvironment
 * @typedef {import("./python-environment.mjs").PythonKit} PythonKit
 * @typedef {PythonEnvironment & { key: string, versions: string }} Installed paths as in PythonEnvironment
 */

/**
 * Makes a Python with the kit's packages stand in `<cache>/<name>-<hash of what is pinned>/`, and writes down which
 * Python that is in `<cache>/<name>.json`. Built in a temporary folder and made real by one rename, so a killed set-up
 * leaves nothing to be trusted.
 * @param {Machine} machine
 * @param {PythonKit} kit
 * @returns {Promise<string>} the outcome in a few words
 * @throws {SetupError} `python-missing`, `pip-missing`, `download-failed`, and the kit's own code
 */
export async function providePackages(machine, kit) {
  const own = machine.env[kit.variable];
  if (own) {
    const hint = `Give a Python that has ${kit.title}, or unset it: set-up then installs them.`;
    return `${await versionsOf(machine, kit, { python: own, packages: null }, hint)} (${kit.variable})`;
  }
  const base = await findBasePython(machine, kit);
  const also = [base.version, machine.platform, machine.arch];
  const key = `${kit.name}-${hashOfFiles(machine.root, [kit.requirements], also).slice(0, 8)}`;
  const folder = join(machine.cacheFolder, key);
  const there = installedIn(folder);
  if (there !== undefined) return pointAt(machine, kit, folder, there, ", already there");
  sweepTemporaryFolders(machine.cacheFolder);
  const temporary = temporaryFolder(machine.cacheFolder);
  try {
    const made = await makeEnvironment(machine, base, kit, temporary);
    const hint = "Remove the folder and start again; if that does not help, please report it.";
    const versions = await versionsOf(machine, kit, absolute(made, temporary), hint);
    const installed = { key, ...made, versions };
    writeAtomically(join(temporary, "manifest.json"), `${JSON.stringify(installed, null, 2)}\n`);
    chmodSync(temporary, 0o755);
    if (existsSync(folder)) renameSync(folder, join(temporaryFolder(machine.cacheFolder), "broken"));
    renameSync(temporary, folder);
    sweepTemporaryFolders(machine.cacheFolder);
    return pointAt(machine, kit, folder, installed, "");
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
  /** @type {PythonKit} */ kit,
  /** @type {string} */ folder,
  /** @type {Installed} */ installed,
  /** @type {string} */ note,
) {
  const { key, versions, how } = installed;
  const file = join(machine.cacheFolder, `${kit.name}.json`);
  const { python, packages } = absolute(installed, folder);
  const text = `${JSON.stringify({ key, python, packages, how, versions }, null, 2)}\n`;
  if (JSON.stringify(readJson(file)) !== JSON.stringify(JSON.parse(text))) writeAtomically(file, text);
  return `${versions} (${how})${note}`;
}

/**
 * @param {Machine} machine
 * @param {PythonKit} kit
 * @param {{ python: string, packages: string | null }} environment
 * @param {string} hint
 * @returns {Promise<string>} such as "Keras 3.15.1 on TensorFlow 2.21.0"
 */
async function versionsOf(machine, kit, { python, packages }, hint) {
  const env = { ...kit.env, PYTHONPATH: packages ?? undefined };
  const { status, stdout, stderr } = await machine.run(python, ["-c", kit.probe], { env });
  const found = /^thaw: (.+)$/m.exec(stdout)?.[1];
  if (status === 0 && found !== undefined) return found;
  const last = stderr.trim().split("\n").at(-1) ?? "";
  throw new SetupError(
    kit.missing,
    `${python} cannot load ${kit.title}: ${last || `it ended with status ${status}`}.`,
    hint,
  );
}

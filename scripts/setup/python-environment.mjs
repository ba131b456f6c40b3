import { existsSync } from "node:fs";
import { join } from "node:path";
import { SetupError } from "./setup-error.mjs";

/**
 * @typedef {import("./machine.mjs").Machine} Machine
 * @typedef {object} PythonKit packages of Python that set-up installs apart from everything that the system has
 * @property {string} name of its folder and of its record in the cache
 * @property {string} title what messages call it
 * @property {string} variable that names a Python which has it
 * @property {readonly string[]} pythons versions that the pinned packages have wheels for, the best tried first
 * @property {string} requirements file with the versions, `….txt`; the hashes of their files lie beside it in `….lock.txt`
 * @property {string} probe program that prints `thaw: ` and the versions found
 * @property {Readonly<Record<string, string>>} env of the probe
 * @property {string} missing code of the error where the probe fails
 * @typedef {{ command: string, executable: string, version: string }} BasePython command: what starts it; executable:
 *   the program itself, behind version managers and links; version: such as "3.11"
 * @typedef {{ python: string, packages: string | null, how: string }} PythonEnvironment packages: a folder for
 *   PYTHONPATH, null where the interpreter finds its packages itself
 */

const ABOUT =
  "import json, sys; print(json.dumps({'executable': sys.executable, 'version': '%d.%d' % sys.version_info[:2]}))";

/**
 * @param {Machine} machine
 * @param {PythonKit} kit
 * @returns {Promise<BasePython>} the Python that THAW_PYTHON names, else the first on PATH that the kit runs on
 * @throws {SetupError} `python-missing`
 */
export async function findBasePython(machine, { title, variable, pythons }) {
  const named = machine.env.THAW_PYTHON;
  const commands = named ? [named] : ["python3", ...pythons.map((version) => `python${version}`)];
  /** @type {string[]} */
  const seen = [];
  for (const command of commands) {
    const { status, stdout } = await machine.run(command, ["-c", ABOUT]);
    if (status !== 0) continue;
    const { executable, version } = JSON.parse(stdout);
    if (pythons.includes(version)) return { command, executable, version };
    seen.push(`${command} is Python ${version}`);
  }
  const found = seen.length === 0 ? `${commands[0]} does not start` : seen.join(", ");
  throw new SetupError(
    "python-missing",
    `${title}: needs Python ${[...pythons].sort().join(", ")}, and ${found}.`,
    "On Debian and Ubuntu: apt install python3 python3-venv. Or set THAW_PYTHON to such a Python, or\n" +
      `${variable} to one that has the packages already.`,
  );
}

/**
 * Installs pinned packages into a folder, apart from everything that the system has: as a virtual environment, and
 * where Python comes without the means to make one (Debian without python3-venv) as a plain folder.
 * @param {Machine} machine
 * @param {BasePython} base
 * @param {PythonKit} kit
 * @param {string} folder exists and is empty; what is returned holds for wherever it is moved to
 * @returns {Promise<PythonEnvironment>} paths relative to the folder, but for the system's Python
 */
export async function makeEnvironment(machine, base, kit, folder) {
  const venv = join(folder, "venv");
  const python = machine.platform === "win32" ? join("venv", "Scripts", "python.exe") : join("venv", "bin", "python");
  const made = await machine.run(base.command, ["-m", "venv", venv]);
  if (made.status === 0 && existsSync(join(folder, python))) {
    await install(machine, join(folder, python), kit, []);
    return { python, packages: null, how: "venv" };
  }
  machine.say("        this Python makes no virtual environment: the packages go to a folder of their own");
  await install(machine, base.command, kit, ["--target", join(folder, "packages")]);
  return { python: base.executable, packages: "packages", how: "pip --target" };
}

/** @returns {string} the file with the hashes */
function lockOf(/** @type {string} */ requirements) {
  return requirements.replace(/\.txt$/, ".lock.txt");
}

/**
 * @param {Machine} machine
 * @param {string} python
 * @param {PythonKit} kit
 * @param {readonly string[]} target
 */
async function install(machine, python, { title, requirements }, target) {
  machine.say(`        fetching ${title}`);
  const args = ["-m", "pip", "install", "--no-deps", "--only-binary=:all:", "--no-cache-dir"];
  args.push("--disable-pip-version-check", "--no-input", "--no-warn-script-location", ...target);
  args.push("--require-hashes", "-r", lockOf(requirements));
  const env = { PIP_REQUIRE_VIRTUALENV: "0" };
  const finished = await machine.run(python, args, { env, show: machine.terminal });
  if (finished.status === 0) return;
  const output = `${finished.stdout}\n${finished.stderr}`.split("\n").filter((line) => line.trim() !== "");
  const missing = output.some((line) => /No module named pip/.test(line));
  throw new SetupError(
    missing ? "pip-missing" : "download-failed",
    `pip could not install what ${requirements} lists.`,
    missing
      ? "On Debian and Ubuntu: apt install python3-pip python3-venv. Or set THAW_PYTHON to a Python 3 that has pip."
      : `${output.slice(-4).join("\n")}\nCheck the network, the package index and the disk, and start again.`,
  );
}

import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { sha256OfFile } from "../setup/content-hash.mjs";
import { SetupError } from "../setup/setup-error.mjs";
import { pythonOf } from "./python.mjs";
import { temporaryFolder } from "./temporary-folder.mjs";

/**
 * @typedef {import("../setup/machine.mjs").Machine} Machine
 * @typedef {import("./variant.mjs").WheelPin} WheelPin
 */

/**
 * Finds a pinned wheel: in the cache's `downloads`, in the folders of `THAW_ASSETS`, else through pip. Whatever the
 * source, only the pinned hash is accepted. To renew a pin: `pip install --dry-run --report` names file and sha256.
 * @param {Machine} machine
 * @param {WheelPin} pin
 * @param {string} python version whose wheels to ask pip for, whichever Python runs pip
 * @returns {Promise<{ path: string, ours: boolean }>} ours: it lies in the cache and may go once it is used
 */
export async function fetchWheel(machine, pin, python) {
  const downloads = join(machine.cacheFolder, "downloads");
  const target = join(downloads, pin.file);
  if (existsSync(target)) {
    if ((await sha256OfFile(target)) === pin.sha256) return { path: target, ours: true };
    machine.say(`        ${target} has not the pinned hash: dropped`);
    rmSync(target);
  }
  for (const folder of (machine.env.THAW_ASSETS ?? "").split(delimiter).filter((part) => part !== "")) {
    const path = join(folder, pin.file);
    if (!existsSync(path)) continue;
    await verify(path, pin, `Remove it or put the right file there; THAW_ASSETS names that folder.`);
    return { path, ours: false };
  }
  mkdirSync(downloads, { recursive: true });
  const temporary = temporaryFolder(downloads);
  try {
    await download(machine, pin, python, temporary, downloads);
    const path = join(temporary, pin.file);
    await verify(
      path,
      pin,
      "It was damaged on the way, or the package index that pip uses serves another build. Try again, then look at: " +
        `${pythonOf(machine)} -m pip config list`,
    );
    renameSync(path, target);
    return { path: target, ours: true };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/**
 * @param {Machine} machine
 * @param {WheelPin} pin
 * @param {string} python
 * @param {string} folder
 * @param {string} downloads
 */
async function download(machine, pin, python, folder, downloads) {
  const wanted = `${pin.package}==${pin.version}`;
  machine.say(`        fetching ${pin.file}`);
  const args = ["-m", "pip", "download", "--no-deps", "--only-binary=:all:"];
  args.push("--python-version", python, "--implementation", "cp");
  // pip's own cache would keep a second copy, and older versions of pip hold the whole file in memory to make it.
  args.push("--no-cache-dir", "--disable-pip-version-check", "--no-input", "-d", folder, wanted);
  const env = { PIP_REQUIRE_VIRTUALENV: "0" };
  const finished = await machine.run(pythonOf(machine), args, { env, show: machine.terminal });
  if (finished.status === 0 && existsSync(join(folder, pin.file))) return;
  const output = `${finished.stdout}\n${finished.stderr}`;
  const unknown = /No matching distribution|Could not find a version/.test(output);
  const refused = /Connection|Temporary failure|Could not fetch|ProxyError|Read timed out|Network is unreachable/i.test(
    output,
  );
  throw new SetupError(
    "download-failed",
    `pip could not fetch ${wanted} (${pin.file})${unknown && !refused ? ": its index has no such wheel for this machine" : ""}.`,
    `${lastLines(output, 4)}Check the network and the package index, or put the file at ${join(downloads, pin.file)}\n` +
      "(or into a folder that THAW_ASSETS names) and start again.",
  );
}

/**
 * @param {string} path
 * @param {WheelPin} pin
 * @param {string} hint
 */
async function verify(path, pin, hint) {
  const found = await sha256OfFile(path);
  if (found === pin.sha256) return;
  throw new SetupError("hash-mismatch", `${path} has sha256 ${found}, and ${pin.sha256} is pinned.`, hint);
}

/** @returns {string} */
function lastLines(/** @type {string} */ text, /** @type {number} */ count) {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.length === 0 ? "" : `${lines.slice(-count).join("\n")}\n`;
}

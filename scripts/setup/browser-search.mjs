import { accessSync, constants, existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readJson } from "./content-hash.mjs";
import { findOnPath } from "./machine.mjs";

/**
 * @typedef {import("./machine.mjs").Machine} Machine
 * @typedef {"THAW_CHROMIUM" | "system" | "apt-get" | "Playwright"} Source how a browser was found
 * @typedef {object} Browser a browser that answered when it was asked for its version
 * @property {string} path its program file
 * @property {string} version such as "Chromium 156.0.8078.79"
 * @property {Source} source
 * @property {number} bytes size and time of the file when it answered
 * @property {number} modifiedMs
 */

/** Where browsers usually are, by platform; packages/browser-runner reads the same file. */
const PLACES = fileURLToPath(new URL("../../packages/browser-runner/data/browser-places.json", import.meta.url));

export function isProgram(/** @type {string} */ path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * @param {Machine} machine
 * @param {string} [places] file
 * @returns {string[]} programs that may be a Chrome or Chromium, the likeliest first
 */
export function systemBrowsers({ env, platform }, places = PLACES) {
  /** @type {{ names: string[], files: string[] }} */
  const { names, files } = readJson(places)?.[platform] ?? { names: [], files: [] };
  return [...names.flatMap((name) => findOnPath(name, env) ?? []), ...files.filter(isProgram)];
}

/**
 * Asks the installed Playwright where its own Chromium would be.
 * @param {Machine} machine
 * @returns {Promise<string[]>} its program, if it was downloaded whole
 */
export async function playwrightBrowsers(machine) {
  const script = 'console.log(require("playwright-core").chromium.executablePath())';
  const cwd = join(machine.root, "packages", "browser-runner");
  const { status, stdout } = await machine.run(process.execPath, ["-e", script], { cwd });
  const path = stdout.trim();
  const folder = /^.*[\\/]chromium-\d+(?=[\\/])/.exec(path)?.[0];
  // Playwright unpacks in place and marks what is whole: a download that was killed has no mark.
  const isWhole = folder !== undefined && existsSync(join(folder, "INSTALLATION_COMPLETE"));
  return status === 0 && isWhole && isProgram(path) ? [path] : [];
}

/**
 * Takes the first program that answers to `--version`. One that does not is a stub (Ubuntu's says to install a snap) or
 * lacks libraries.
 * @param {Machine} machine
 * @param {readonly string[]} paths
 * @param {Source} source
 * @param {string[]} problems is told why a program was passed over
 * @returns {Promise<Browser | undefined>}
 */
export async function firstThatAnswers(machine, paths, source, problems) {
  for (const path of paths) {
    const { status, stdout, stderr } = await machine.run(path, ["--version"]);
    const version = /^.*?\d+(\.\d+)+/m.exec(stdout)?.[0].trim();
    if (status === 0 && version !== undefined) return { path, version, source, ...stampOf(path) };
    problems.push(`${path} does not start: ${firstLine(stderr) || firstLine(stdout) || `exit status ${status}`}`);
  }
  return undefined;
}

/** @returns {{ bytes: number, modifiedMs: number }} zeros where there is no such file */
export function stampOf(/** @type {string} */ path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  return { bytes: stat?.size ?? 0, modifiedMs: stat?.mtimeMs ?? 0 };
}

function firstLine(/** @type {string} */ text) {
  return text.trim().split("\n")[0] ?? "";
}

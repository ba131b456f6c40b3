import { join } from "node:path";
import { findOnPath } from "./machine.mjs";

/** @typedef {import("./machine.mjs").Machine} Machine */

/** Another apt-get may be at work: a fresh machine updates itself. */
const APT_LOCK_SECONDS = 120;

/**
 * Installs Debian's package `chromium` where that can be done without asking.
 * @param {Machine} machine
 * @returns {Promise<string | undefined>} why not, undefined if it was installed
 */
export async function installWithApt(machine) {
  if (machine.platform !== "linux" || findOnPath("apt-get", machine.env) === undefined) return "apt-get: not there";
  if (!machine.isRoot) return "apt-get: needs root";
  let known = await packageOf(machine);
  if (known === "") {
    machine.say("        apt-get knows no package chromium: updating its lists");
    await aptGet(machine, ["update"]);
    known = await packageOf(machine);
  }
  if (known === "") return "apt-get: knows no package chromium";
  if (/snap/.test(known)) return "apt-get: its package chromium is a snap in disguise";
  machine.say("        installing chromium with apt-get");
  const args = ["install", "-y", "--no-install-recommends", "chromium"];
  if ((await aptGet(machine, args)).status === 0) return undefined;
  // Lists of some age name a version that the archive has replaced.
  await aptGet(machine, ["update"]);
  const finished = await aptGet(machine, args);
  return finished.status === 0 ? undefined : `apt-get: ${problemOf(finished)}`;
}

/** @returns {Promise<string>} version and dependencies of the package, empty where there is none */
async function packageOf(/** @type {Machine} */ machine) {
  const { status, stdout } = await machine.run("apt-cache", ["show", "--no-all-versions", "chromium"]);
  const fields = stdout.split("\n").filter((line) => /^(Version|Depends|Pre-Depends):/.test(line));
  return status === 0 ? fields.join("\n") : "";
}

function aptGet(/** @type {Machine} */ machine, /** @type {readonly string[]} */ args) {
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  return machine.run("apt-get", ["-o", `DPkg::Lock::Timeout=${APT_LOCK_SECONDS}`, ...args], { env });
}

/**
 * Downloads Playwright's full Chromium into Playwright's own cache; its headless shell has no reliable WebGPU.
 * @param {Machine} machine
 * @returns {Promise<string | undefined>} why not, undefined if it was downloaded
 */
export async function downloadWithPlaywright(machine) {
  machine.say("        downloading Playwright's Chromium");
  const progress = machine.terminal ? [] : ["--no-progress"];
  const args = [playwrightOf(machine), "install", "chromium", "--no-shell", ...progress];
  // Playwright waits 30 s for each of five connections, where a closed network often answers to none.
  const env = { PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT: "10000", ...machine.env };
  const finished = await machine.run(process.execPath, args, { env, show: machine.terminal });
  return finished.status === 0 ? undefined : `Playwright: ${problemOf(finished)}`;
}

/**
 * Installs the libraries that Playwright's Chromium loads, where that can be done without asking.
 * @param {Machine} machine
 * @returns {Promise<boolean>} whether they are there now
 */
export async function installBrowserLibraries(machine) {
  if (!machine.isRoot || findOnPath("apt-get", machine.env) === undefined) return false;
  machine.say("        installing the libraries of Playwright's Chromium with apt-get");
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const args = [playwrightOf(machine), "install-deps", "chromium"];
  return (await machine.run(process.execPath, args, { env, show: machine.terminal })).status === 0;
}

function playwrightOf(/** @type {Machine} */ { root }) {
  return join(root, "packages", "browser-runner", "node_modules", "playwright-core", "cli.js");
}

/** @returns {string} the line that says most */
function problemOf(/** @type {import("./machine.mjs").Finished} */ { status, stdout, stderr }) {
  const lines = `${stderr}\n${stdout}`.split("\n").map((line) => line.trim());
  const told = lines.find((line) => /^(E|Error|error):? /.test(line)) ?? lines.findLast((line) => line !== "");
  return told ?? `ended with exit status ${status}`;
}

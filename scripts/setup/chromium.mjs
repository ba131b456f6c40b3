import { join } from "node:path";
import { downloadWithPlaywright, installBrowserLibraries, installWithApt } from "./browser-install.mjs";
import { firstThatAnswers, isProgram, playwrightBrowsers, stampOf, systemBrowsers } from "./browser-search.mjs";
import { readJson, writeAtomically } from "./content-hash.mjs";
import { SetupError } from "./setup-error.mjs";

/**
 * @typedef {import("./machine.mjs").Machine} Machine
 * @typedef {import("./browser-search.mjs").Browser} Browser
 */

/**
 * Finds a Chrome or Chromium, or installs one, and writes down which in `<cache>/browser.json`, where
 * packages/browser-runner looks. Without any the other runners still run: that is a warning.
 * @param {Machine} machine
 * @param {string} [places] file that says where to look, if not the packages' own
 * @returns {Promise<string | import("./steps.mjs").Warning>} the outcome in a few words
 * @throws {SetupError} `browser-missing` if THAW_CHROMIUM names no browser
 */
export async function provideChromium(machine, places) {
  const file = join(machine.cacheFolder, "browser.json");
  const known = knownBrowser(file, machine);
  if (known !== undefined) return describe(known);
  /** @type {string[]} */
  const problems = [];
  const browser = (await namedBrowser(machine)) ?? (await anyBrowser(machine, places, problems));
  if (browser === undefined) return warningOf(machine, problems);
  writeAtomically(file, `${JSON.stringify(browser, null, 2)}\n`);
  return describe(browser);
}

/** @returns {Browser | undefined} what an earlier set-up chose, if the file is the same and nothing else was asked for */
function knownBrowser(/** @type {string} */ file, /** @type {Machine} */ { env }) {
  /** @type {Browser | undefined} */
  const known = readJson(file);
  if (typeof known?.path !== "string" || !isProgram(known.path)) return undefined;
  const { bytes, modifiedMs } = stampOf(known.path);
  const isSame = known.bytes === bytes && known.modifiedMs === modifiedMs;
  const isAskedFor = env.THAW_CHROMIUM ? known.path === env.THAW_CHROMIUM : known.source !== "THAW_CHROMIUM";
  return isSame && isAskedFor ? known : undefined;
}

/** @returns {Promise<Browser | undefined>} undefined where THAW_CHROMIUM is not set */
async function namedBrowser(/** @type {Machine} */ machine) {
  const path = machine.env.THAW_CHROMIUM;
  if (!path) return undefined;
  const hint = "Give the path of a Chrome or Chromium program, or unset it: set-up then looks for one itself.";
  if (!isProgram(path)) {
    throw new SetupError("browser-missing", `THAW_CHROMIUM is ${path}, which is no program.`, hint);
  }
  /** @type {string[]} */
  const problems = [];
  const browser = await firstThatAnswers(machine, [path], "THAW_CHROMIUM", problems);
  if (browser === undefined) throw new SetupError("browser-missing", `THAW_CHROMIUM: ${problems.join(" ")}`, hint);
  return browser;
}

/**
 * @param {Machine} machine
 * @param {string | undefined} places
 * @param {string[]} problems is told what did not work
 * @returns {Promise<Browser | undefined>}
 */
async function anyBrowser(machine, places, problems) {
  const system = await firstThatAnswers(machine, systemBrowsers(machine, places), "system", problems);
  if (system !== undefined) return system;
  const own = await firstThatAnswers(machine, await playwrightBrowsers(machine), "Playwright", problems);
  if (own !== undefined) return own;
  const aptProblem = await installWithApt(machine);
  if (aptProblem === undefined) {
    const installed = await firstThatAnswers(machine, systemBrowsers(machine, places), "apt-get", problems);
    if (installed !== undefined) return installed;
  } else problems.push(aptProblem);
  const downloadProblem = await downloadWithPlaywright(machine);
  if (downloadProblem !== undefined) {
    problems.push(downloadProblem);
    return undefined;
  }
  const downloaded = await playwrightBrowsers(machine);
  const answers = await firstThatAnswers(machine, downloaded, "Playwright", problems);
  if (answers !== undefined || !(await installBrowserLibraries(machine))) return answers;
  return await firstThatAnswers(machine, downloaded, "Playwright", problems);
}

function describe(/** @type {Browser} */ { version, source }) {
  return `${version} (${source})`;
}

/** @returns {import("./steps.mjs").Warning} */
function warningOf(/** @type {Machine} */ { root }, /** @type {readonly string[]} */ problems) {
  /** @type {string[]} */
  const runners = readJson(join(root, "packages", "browser-runner", "package.json"))?.thaw?.runners ?? [];
  return {
    warning: `none, so these runners will be missing: ${runners.join(", ")}`,
    details: [
      ...problems,
      "Install Chrome or Chromium (Debian: apt-get install chromium), or set THAW_CHROMIUM to the path of one;",
      "then run npm run setup again.",
    ],
  };
}

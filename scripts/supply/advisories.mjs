import { packageManagerOf } from "../setup/workspace.mjs";

/** @typedef {{ severity: string, module: string, title: string, url: string }} Advisory */

/** What fails an audit. */
const GRAVE = new Set(["high", "critical"]);

/**
 * Asks npm's registry, through pnpm, what is known against all dependencies.
 * @param {import("../setup/machine.mjs").Machine} machine
 * @returns {Promise<{ advisories: Advisory[] } | { unreachable: string }>}
 */
export async function askAdvisories(machine) {
  const args = ["-y", packageManagerOf(machine.root), "audit", "--json"];
  const { stdout, stderr } = await machine.run("npx", args);
  const answer = parsed(stdout);
  if (answer?.advisories === undefined) return { unreachable: reasonOf(answer, `${stdout}\n${stderr}`) };
  const advisories = Object.values(answer.advisories).map((/** @type {any} */ entry) => ({
    severity: String(entry.severity),
    module: String(entry.module_name),
    title: String(entry.title),
    url: String(entry.url),
  }));
  return { advisories };
}

/** @returns {any} */
function parsed(/** @type {string} */ text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // told in words
  }
}

/** @returns {string} what pnpm says, without the address of the registry */
function reasonOf(/** @type {any} */ answer, /** @type {string} */ output) {
  const told = answer?.error?.message ?? output.split("\n").find((line) => line.trim() !== "") ?? "it says nothing";
  return String(told)
    .replace(/\bhttps?:\/\/[^\s)]+/g, "the registry")
    .trim();
}

/** @returns {boolean} whether users get it, and it is high or critical */
export function isGrave(/** @type {Advisory} */ { severity, module }, /** @type {ReadonlySet<string>} */ shipped) {
  return GRAVE.has(severity) && shipped.has(module);
}

import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { hashOfFiles, readJson, sha256OfFile } from "../setup/content-hash.mjs";
import { SetupError } from "../setup/setup-error.mjs";
import { COMPILER_FLAGS } from "./compile.mjs";
import { findLocalLibrary } from "./local-library.mjs";

/**
 * @typedef {import("../setup/machine.mjs").Machine} Machine
 * @typedef {object} NativePlan What to build, known before anything is fetched; the key names it.
 * @property {string} key
 * @property {import("./variant.mjs").Choice} choice
 * @property {string} packageFolder the npm package with the binding's sources
 * @property {string} packageName with its version
 * @property {string} nodeHeaders
 * @property {Record<string, string>} sources sha256 by path inside the package
 * @property {ReturnType<typeof findLocalLibrary> | undefined} local
 */

/**
 * @param {Machine} machine
 * @param {import("./variant.mjs").Choice} choice
 * @returns {Promise<NativePlan>}
 */
export async function planNative(machine, choice) {
  const require = createRequire(join(machine.root, "packages", "node-runner", "package.json"));
  const packageFolder = packageFolderOf(require, "@tensorflow/tfjs-node-gpu");
  const headersFolder = packageFolderOf(require, "node-api-headers");
  const names = readdirSync(join(packageFolder, "binding")).sort();
  /** @type {Record<string, string>} */
  const sources = {};
  for (const name of names) sources[`binding/${name}`] = await sha256OfFile(join(packageFolder, "binding", name));
  const local = choice.variant === "local" ? findLocalLibrary(choice.folder) : undefined;
  const hash = createHash("sha256");
  hash.update(
    JSON.stringify([sources, COMPILER_FLAGS, hashOfFiles(headersFolder, [join(headersFolder, "package.json")])]),
  );
  if (choice.variant === "local") hash.update(local?.identity ?? "");
  else hash.update(choice.pins.wheels.map((wheel) => wheel.sha256).join("\n"));
  const version = choice.variant === "local" ? "" : `${choice.tfVersion}-`;
  return {
    key: `tf-${version}${choice.variant}-napi8-${hash.digest("hex").slice(0, 8)}`,
    choice,
    packageFolder,
    packageName: `@tensorflow/tfjs-node-gpu@${readJson(join(packageFolder, "package.json"))?.version}`,
    nodeHeaders: join(headersFolder, "include"),
    sources,
    local,
  };
}

/** @returns {string} */
function packageFolderOf(/** @type {NodeJS.Require} */ require, /** @type {string} */ name) {
  try {
    const folder = dirname(require.resolve(`${name}/package.json`));
    if (existsSync(folder)) return folder;
  } catch {
    // told below
  }
  throw new SetupError(
    "dependency-missing",
    `The npm package ${name} is not installed in packages/node-runner.`,
    "Run: npm run setup",
  );
}

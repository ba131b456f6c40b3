import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { readJson } from "./content-hash.mjs";
import { SetupError } from "./setup-error.mjs";

/** Folders whose packages make up the workspace, as pnpm-workspace.yaml lists them. */
const PARENTS = ["packages"];
const OTHERS = ["benchmarks", "docs"];

/**
 * @typedef {{ folder: string, manifest: { name: string, scripts?: Record<string, string>, dependencies?: object, devDependencies?: object } }} WorkspacePackage
 */

/**
 * @param {string} root
 * @returns {WorkspacePackage[]} sorted by folder
 */
export function workspacePackages(root) {
  const children = PARENTS.flatMap((parent) => {
    const folder = join(root, parent);
    return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  });
  return [...children, ...OTHERS.map((name) => join(root, name))]
    .sort()
    .map((folder) => ({ folder, manifest: readJson(join(folder, "package.json")) }))
    .filter(({ manifest }) => manifest !== undefined);
}

/**
 * @param {string} root
 * @returns {string} such as "pnpm@10.34.8", from the root package.json
 */
export function packageManagerOf(root) {
  const declared = readJson(join(root, "package.json"))?.packageManager;
  const spec = typeof declared === "string" ? declared.split("+")[0] : undefined;
  if (spec?.startsWith("pnpm@")) return spec;
  throw new SetupError(
    "bad-checkout",
    `${join(root, "package.json")} names no pnpm version in "packageManager".`,
    "Restore the file from the repository.",
  );
}

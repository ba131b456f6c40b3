import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isMap, isScalar, isSeq, parseDocument } from "yaml";
import { readJson } from "../setup/content-hash.mjs";

/** @typedef {{ allowed: Map<string, string>, ignored: Map<string, string>, strict: boolean }} Rules reason by name */

/** @returns {Rules} what pnpm-workspace.yaml says of install scripts */
export function installRules(/** @type {string} */ root) {
  const { contents } = parseDocument(readFileSync(join(root, "pnpm-workspace.yaml"), "utf8"));
  if (!isMap(contents)) throw new Error("pnpm-workspace.yaml is no map");
  const listed = (/** @type {string} */ key) => {
    const list = contents.get(key);
    const items = isSeq(list) ? list.items.filter(isScalar) : [];
    return new Map(items.map(({ value, comment }) => [String(value), comment?.trim() ?? ""]));
  };
  return {
    allowed: listed("onlyBuiltDependencies"),
    ignored: listed("ignoredBuiltDependencies"),
    strict: contents.get("strictDepBuilds") === true,
  };
}

/** @returns {string[]} names of the installed packages that would run something when they are installed */
export function packagesWithScripts(/** @type {string} */ root) {
  const store = join(root, "node_modules", ".pnpm");
  const names = new Set();
  for (const entry of readdirSync(store)) {
    const modules = join(store, entry, "node_modules");
    if (!existsSync(modules)) continue;
    for (const folder of ownPackages(modules)) {
      const manifest = readJson(join(folder, "package.json"));
      const scripts = manifest?.scripts ?? {};
      const runs = ["preinstall", "install", "postinstall"].some((name) => name in scripts);
      if (runs || existsSync(join(folder, "binding.gyp"))) names.add(String(manifest?.name));
    }
  }
  return [...names].sort();
}

/** @returns {string[]} folders of packages that lie here themselves: all others are links */
function ownPackages(/** @type {string} */ modules) {
  return readdirSync(modules, { withFileTypes: true }).flatMap((entry) => {
    const folder = join(modules, entry.name);
    if (!entry.isDirectory()) return [];
    return entry.name.startsWith("@") ? ownPackages(folder) : [folder];
  });
}

/**
 * @param {Rules} rules
 * @param {readonly string[]} found names of packages that have an install script
 * @param {readonly string[]} locked names of all packages
 * @returns {string[]} a sentence each
 */
export function scriptProblems({ allowed, ignored, strict }, found, locked) {
  const listed = new Map([...allowed, ...ignored]);
  const problems = strict ? [] : ["strictDepBuilds is off: an install script that is not listed would fail nothing."];
  for (const name of found) {
    if (!listed.has(name)) problems.push(`${name} has an install script and is not listed in pnpm-workspace.yaml.`);
  }
  for (const [name, reason] of listed) {
    if (reason === "") problems.push(`${name} is listed in pnpm-workspace.yaml without a reason.`);
    if (!locked.includes(name)) problems.push(`${name} is listed in pnpm-workspace.yaml and no dependency.`);
  }
  return problems;
}

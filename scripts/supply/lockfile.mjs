import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

/**
 * @typedef {{ specifier: string, version: string }} Dependency
 * @typedef {Record<string, string>} Versions version by name, with what it was resolved beside in brackets
 * @typedef {object} Lock what pnpm-lock.yaml says
 * @property {Record<string, { dependencies?: Record<string, Dependency>, devDependencies?: Record<string, Dependency>,
 *   optionalDependencies?: Record<string, Dependency> }>} importers by folder of the workspace
 * @property {Record<string, { resolution: Record<string, string> }>} packages by `name@version`
 * @property {Record<string, { dependencies?: Versions, optionalDependencies?: Versions }>} snapshots by `name@version`
 *   with what it was resolved beside in brackets
 */

/** @returns {Lock} */
export function readLock(/** @type {string} */ root) {
  return parse(readFileSync(join(root, "pnpm-lock.yaml"), "utf8"));
}

/** A version that a registry gives, a range of such, or a package of this workspace. */
const SPECIFIER = /^(workspace:|catalog:|[\^~<>=*]|\d)/;
/** A version with what it was resolved beside, or a folder of this workspace. */
const VERSION = /^(\d+\.\d+\.\d+[^\s/:]*(\(.*\))?|link:(\.\.\/)*[a-z-]+(\/[a-z-]+)*)$/;

/**
 * What in the lockfile does not come whole from a registry: every package is named by a version and a SHA-512, and none
 * by a tarball, a repository or a folder.
 * @param {Lock} lock
 * @returns {string[]} a sentence each
 */
export function lockProblems({ importers, packages, snapshots }) {
  const problems = [];
  for (const [name, { resolution }] of Object.entries(packages)) {
    const { integrity = "", ...others } = resolution;
    if (!/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity)) problems.push(`${name} has no SHA-512.`);
    for (const kind of Object.keys(others)) problems.push(`${name} comes by ${kind}: ${others[kind]}.`);
  }
  for (const name of Object.keys(snapshots)) {
    if (packages[name.replace(/\(.*$/, "")] === undefined) problems.push(`${name} is used and not locked.`);
  }
  for (const [folder, importer] of Object.entries(importers)) {
    const { dependencies, devDependencies, optionalDependencies } = importer;
    const all = { ...dependencies, ...devDependencies, ...optionalDependencies };
    for (const [name, { specifier, version }] of Object.entries(all)) {
      const isPlain = SPECIFIER.test(specifier) && VERSION.test(version);
      if (!isPlain) problems.push(`${folder} has ${name} as ${specifier}, locked as ${version}.`);
    }
  }
  return problems;
}

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Enums, Models, Serialize, Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { readJson } from "../setup/content-hash.mjs";
import { workspacePackages } from "../setup/workspace.mjs";

/** @typedef {import("./lockfile.mjs").Lock} Lock */

/** Folders of the workspace that users do not get. */
const OWN_USE = new Set(["benchmarks", "docs"]);

/** @returns {readonly [name: string, version: string]} */
function parted(/** @type {string} */ key) {
  const at = key.lastIndexOf("@");
  return [key.slice(0, at), key.slice(at + 1)];
}

/** @returns {string} `name@version` of a snapshot, without what it was resolved beside */
function bare(/** @type {string} */ key) {
  return key.replace(/\(.*$/, "");
}

/** @returns {string} package URL */
function purl(/** @type {string} */ type, /** @type {string} */ name, /** @type {string} */ version) {
  const path = name.split("/").map(encodeURIComponent).join("/");
  return `pkg:${type}/${path}@${encodeURIComponent(version)}`;
}

/** @returns {Set<string>} packages that the pages of the browser runner import: they are bundled, not installed */
function bundled(/** @type {string} */ root) {
  const runner = join(root, "packages", "browser-runner");
  const names = new Set();
  for (const part of ["src/page", "demo"]) {
    const folder = join(runner, part);
    for (const path of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
      if (!/\.(ts|css)$/.test(path) || path.startsWith("build")) continue;
      const text = readFileSync(join(folder, path), "utf8");
      for (const [, name] of text.matchAll(/(?:from|import) ?\(?"((?:@[^/"]+\/)?[^./"][^/"]*)/g)) names.add(name);
    }
  }
  return names;
}

/**
 * @param {string} root
 * @param {Lock} lock
 * @returns {Map<string, string[]>} what users get from npm, with what each needs: `name@version`
 */
export function npmGraph(root, { importers, snapshots }) {
  /** @type {Map<string, string[]>} */
  const graph = new Map();
  const inPages = bundled(root);
  const open = Object.entries(importers)
    .filter(([folder]) => !OWN_USE.has(folder))
    .flatMap(([folder, { dependencies, optionalDependencies, devDependencies = {} }]) => {
      const isBundled = (/** @type {[string, unknown]} */ [name]) =>
        folder === "packages/browser-runner" && inPages.has(name);
      const own = Object.fromEntries(Object.entries(devDependencies).filter(isBundled));
      const all = Object.entries({ ...dependencies, ...optionalDependencies, ...own });
      const others = all.filter(([, { version }]) => !version.startsWith("link:"));
      return others.map(([name, { version }]) => `${name}@${version}`);
    });
  for (let key = open.pop(); key !== undefined; key = open.pop()) {
    const { dependencies, optionalDependencies } = snapshots[key] ?? {};
    const needs = Object.entries({ ...dependencies, ...optionalDependencies }).map(
      ([name, version]) => `${name}@${version}`,
    );
    const known = graph.get(bare(key)) ?? [];
    const fresh = needs.filter((need) => !known.includes(bare(need)));
    if (graph.has(bare(key)) && fresh.length === 0) continue;
    graph.set(bare(key), [...new Set([...known, ...needs.map(bare)])].sort());
    open.push(...needs);
  }
  return graph;
}

/** @returns {string | undefined} the license that an installed package names */
function licenseOf(/** @type {string} */ root, /** @type {string} */ name, /** @type {string} */ version) {
  const prefix = `${name.replace("/", "+")}@${version}`;
  const store = join(root, "node_modules", ".pnpm");
  const folder = readdirSync(store).find((entry) => entry === prefix || entry.startsWith(`${prefix}_`));
  if (folder === undefined) return undefined; // of another platform
  const license = readJson(join(store, folder, "node_modules", name, "package.json"))?.license;
  return typeof license === "string" ? license : undefined;
}

/** @returns {Models.Component} */
function npmComponent(/** @type {string} */ root, /** @type {Lock} */ lock, /** @type {string} */ key) {
  const [name, version] = parted(key);
  const integrity = lock.packages[key]?.resolution.integrity ?? "";
  const hash = Buffer.from(integrity.replace(/^sha512-/, ""), "base64").toString("hex");
  const license = licenseOf(root, name, version);
  return new Models.Component(Enums.ComponentType.Library, name, {
    version,
    bomRef: key,
    purl: purl("npm", name, version),
    hashes: new Models.HashDictionary([[Enums.HashAlgorithm["SHA-512"], hash]]),
    licenses: new Models.LicenseRepository(license === undefined ? [] : [new Models.NamedLicense(license)]),
  });
}

/** @returns {Models.Component[]} wheels that libtensorflow is taken from, once each */
function wheelComponents(/** @type {string} */ root) {
  const { platforms } = JSON.parse(readFileSync(join(root, "scripts", "native", "pins.json"), "utf8"));
  /** @type {Map<string, Models.Component>} */
  const components = new Map();
  for (const variants of Object.values(platforms)) {
    for (const { wheels = [] } of Object.values(variants)) {
      for (const { package: name, version, file, sha256 } of wheels) {
        const options = {
          version,
          bomRef: `pypi:${file}`,
          purl: `${purl("pypi", name, version)}?file_name=${encodeURIComponent(file)}`,
          scope: Enums.ComponentScope.Optional,
          hashes: new Models.HashDictionary([[Enums.HashAlgorithm["SHA-256"], sha256]]),
        };
        components.set(file, new Models.Component(Enums.ComponentType.Library, name, options));
      }
    }
  }
  return [...components.values()];
}

/**
 * What users get: the workspace's packages, everything from npm that they need, and the wheels that the set-up takes
 * libtensorflow from. Licenses are told of what is installed here, so not of other platforms' packages.
 * @param {string} root
 * @param {Lock} lock
 * @returns {Promise<string>} CycloneDX 1.6 as JSON, which its schema accepts
 * @throws {Error} where the schema does not
 */
export async function billOfMaterials(root, lock) {
  const { name, version, license } = readJson(join(root, "package.json")) ?? {};
  const main = new Models.Component(Enums.ComponentType.Application, name, { version, bomRef: `${name}@${version}` });
  main.licenses.add(new Models.NamedLicense(license));
  const bom = new Models.Bom({ metadata: new Models.Metadata({ component: main }) });
  /** @type {Map<string, Models.Component>} */
  const byKey = new Map();
  const graph = npmGraph(root, lock);
  for (const key of [...graph.keys()].sort()) byKey.set(key, npmComponent(root, lock, key));
  for (const [key, needs] of graph) {
    for (const need of needs) {
      const component = byKey.get(need);
      if (component !== undefined) byKey.get(key)?.dependencies.add(component.bomRef);
    }
  }
  for (const { folder, manifest } of workspacePackages(root)) {
    const path = folder
      .slice(root.length)
      .replace(/^[/\\]+/, "")
      .replaceAll("\\", "/");
    if (OWN_USE.has(path)) continue;
    byKey.set(
      manifest.name,
      new Models.Component(Enums.ComponentType.Library, manifest.name, { version, bomRef: manifest.name }),
    );
  }
  for (const [folder, { dependencies = {} }] of Object.entries(lock.importers)) {
    const own = readJson(join(root, folder, "package.json"))?.name;
    const component = folder === "." ? main : byKey.get(own);
    for (const [dependency, { version: locked }] of Object.entries(dependencies)) {
      const target = byKey.get(locked.startsWith("link:") ? dependency : bare(`${dependency}@${locked}`));
      if (target !== undefined) component?.dependencies.add(target.bomRef);
    }
  }
  for (const component of [...byKey.values(), ...wheelComponents(root)]) bom.components.add(component);
  const text = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6)).serialize(bom, {
    sortLists: true,
    space: 2,
  });
  const problem = await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text);
  if (problem !== null) throw new Error(`The bill is no CycloneDX 1.6: ${JSON.stringify(problem)}`);
  return `${text}\n`;
}

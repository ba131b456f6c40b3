import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { nearest, type Runner, type RunnerModule, ThawError } from "@thaw/core";

/** A runner that a package says it has in its package.json: `"thaw": { "runners": ["node"] }`. */
export interface InstalledRunner {
  /** The package's module. */
  readonly entry: string;
  /** Whether its engine may be left out: `"thaw": { "runners": [...], "optional": true }`. */
  readonly optional: boolean;
}

interface RunnerPackage {
  readonly runners: readonly string[];
  readonly installed: InstalledRunner;
}

interface PackageJson {
  readonly thaw?: { readonly runners?: readonly string[]; readonly optional?: boolean };
  readonly exports?: { readonly "."?: { readonly source?: string; readonly default?: string } };
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/;
const FROM_SOURCE = import.meta.url.endsWith(".ts");
/** The folder that this package lies in: `packages/` here, `node_modules/@thaw/` when installed. */
const NEIGHBOURS = fileURLToPath(new URL("../..", import.meta.url));

async function readRunnerPackage(folder: string): Promise<RunnerPackage | null> {
  const file = join(folder, "package.json");
  if (!existsSync(file)) return null;
  const { thaw, exports } = JSON.parse(await readFile(file, "utf8")) as PackageJson;
  const main = exports?.["."];
  const entry = FROM_SOURCE ? (main?.source ?? main?.default) : main?.default;
  return thaw?.runners === undefined || entry === undefined
    ? null
    : { runners: thaw.runners, installed: { entry: join(folder, entry), optional: thaw.optional === true } };
}

/** Every runner that is installed beside this package, by name: a new one touches no list. */
export async function installedRunners(): Promise<ReadonlyMap<string, InstalledRunner>> {
  const folders = await readdir(NEIGHBOURS, { withFileTypes: true });
  const runners = new Map<string, InstalledRunner>();
  for (const folder of folders
    .filter(({ name }) => name.endsWith("-runner"))
    .sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const found = await readRunnerPackage(join(NEIGHBOURS, folder.name));
    if (found !== null) for (const name of found.runners) runners.set(name, found.installed);
  }
  return runners;
}

async function importRunner(name: string, entry: string): Promise<Runner> {
  const module = (await import(pathToFileURL(entry).href)) as Partial<RunnerModule>;
  if (typeof module.createRunner !== "function") {
    throw new ThawError("runner-unknown", `${entry} exports no function createRunner.`, {
      hint: "A runner module exports `createRunner(name)` that returns a Runner.",
    });
  }
  const runner = module.createRunner(name);
  if (NAME.test(runner.name)) return runner;
  throw new ThawError("runner-invalid", `${entry}: the runner's name is ${JSON.stringify(runner.name)}.`, {
    hint: "Names of files are made of it: letters, digits, '.', '_' and '-', at most 80 of them, the first no sign.",
  });
}

/**
 * Finds a runner by name, or by the path of a module that exports `createRunner`.
 * @throws ThawError `runner-unknown` that lists the runners there are; `runner-invalid`
 */
export async function findRunner(nameOrPath: string): Promise<Runner> {
  if (/^[./]|\.[cm]?[jt]s$/.test(nameOrPath)) {
    const file = resolve(nameOrPath);
    if (!existsSync(file)) {
      throw new ThawError("runner-unknown", `There is no runner module ${file}.`, {
        hint: "Give the path of a module that exports `createRunner(name)`.",
      });
    }
    return await importRunner(nameOrPath, file);
  }
  const runners = await installedRunners();
  const installed = runners.get(nameOrPath);
  if (installed !== undefined) return await importRunner(nameOrPath, installed.entry);
  const names = [...runners.keys()];
  const [near] = nearest(nameOrPath, names);
  throw new ThawError("runner-unknown", `There is no runner "${nameOrPath}"; installed: ${names.join(", ")}.`, {
    hint: near === undefined ? "Give one of these, or the path of a runner module." : `Did you mean "${near}"?`,
  });
}

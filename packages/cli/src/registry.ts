import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { nearest, type Runner, type RunnerModule, ThawError } from "@thaw/core";

/** A package that says in its package.json which runners it has: `"thaw": { "runners": ["node"] }`. */
interface RunnerPackage {
  readonly runners: readonly string[];
  readonly entry: string;
}

interface PackageJson {
  readonly thaw?: { readonly runners?: readonly string[] };
  readonly exports?: { readonly "."?: { readonly source?: string; readonly default?: string } };
}

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
    : { runners: thaw.runners, entry: join(folder, entry) };
}

/** Every runner that is installed beside this package, by name: a new one touches no list. */
export async function installedRunners(): Promise<ReadonlyMap<string, string>> {
  const folders = await readdir(NEIGHBOURS, { withFileTypes: true });
  const runners = new Map<string, string>();
  for (const folder of folders
    .filter(({ name }) => name.endsWith("-runner"))
    .sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const found = await readRunnerPackage(join(NEIGHBOURS, folder.name));
    for (const name of found?.runners ?? []) runners.set(name, found?.entry ?? "");
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
  return module.createRunner(name);
}

/**
 * Finds a runner by name, or by the path of a module that exports `createRunner`.
 * @throws ThawError `runner-unknown` that lists the runners there are
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
  const entry = runners.get(nameOrPath);
  if (entry !== undefined) return await importRunner(nameOrPath, entry);
  const names = [...runners.keys()];
  const [near] = nearest(nameOrPath, names);
  throw new ThawError("runner-unknown", `There is no runner "${nameOrPath}"; installed: ${names.join(", ")}.`, {
    hint: near === undefined ? "Give one of these, or the path of a runner module." : `Did you mean "${near}"?`,
  });
}

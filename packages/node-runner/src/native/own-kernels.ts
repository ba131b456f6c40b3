import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** What set-up writes beside a build of the kernels (`manifest.json`; written by scripts/native/own-kernels.mjs). */
interface KernelsManifest {
  readonly schema: 1;
  readonly key: string;
  readonly library: string;
  readonly bytes: number;
  /** Names of the processor's abilities that the build takes. */
  readonly needs: readonly string[];
  /** sha256 of each source by its name. */
  readonly sources: Readonly<Record<string, string>>;
}

/** Thaw's own kernels as they are loaded, or why not. */
export type OwnKernels =
  | { readonly ok: true; readonly key: string; readonly lanes: number }
  | { readonly ok: false; readonly reason: string };

const SOURCES = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "native");

function processorAbilities(): ReadonlySet<string> {
  if (!existsSync("/proc/cpuinfo")) return new Set();
  return new Set(/^flags\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1]?.split(" ") ?? []);
}

function readManifest(folder: string): KernelsManifest | undefined {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as KernelsManifest;
    return manifest.schema === 1 ? manifest : undefined;
  } catch {
    return undefined;
  }
}

function sourceHashes(): Readonly<Record<string, string>> {
  const names = readdirSync(SOURCES).sort();
  return Object.fromEntries(
    names.map((name) => [
      name,
      createHash("sha256")
        .update(readFileSync(join(SOURCES, name)))
        .digest("hex"),
    ]),
  );
}

/** Finds the build of the installed sources for a libtensorflow, that this processor can run. */
function locate(folder: string): { library: string; key: string } | { reason: string } {
  const [native, prefix] = [dirname(folder), `${basename(folder)}-kernels-`];
  const wanted = JSON.stringify(sourceHashes());
  const abilities = processorAbilities();
  let reason = "they were not built (npm run setup)";
  for (const name of readdirSync(native).filter((entry) => entry.startsWith(prefix))) {
    const manifest = readManifest(join(native, name));
    if (manifest === undefined || JSON.stringify(manifest.sources) !== wanted) continue;
    const library = join(native, name, manifest.library);
    const missing = manifest.needs.filter((need) => !abilities.has(need));
    if (missing.length > 0) reason = `they were built for a processor with ${missing.join(", ")}`;
    else if (statSync(library, { throwIfNoEntry: false })?.size !== manifest.bytes) reason = `${library} is not whole`;
    else return { library, key: name };
  }
  return { reason };
}

/**
 * Loads Thaw's own kernels into the libtensorflow of this process. Never throws: without them TensorFlow's own are there.
 * @param folder of the addon's build
 */
export function loadOwnKernels(folder: string, threads: number): OwnKernels {
  const found = locate(folder);
  if ("reason" in found) return { ok: false, reason: found.reason };
  try {
    const library = createRequire(import.meta.url)(found.library) as { start(threads: number): number };
    return { ok: true, key: found.key, lanes: library.start(threads) };
  } catch (error) {
    return { ok: false, reason: `${found.library} does not load: ${error instanceof Error ? error.message : error}` };
  }
}

import { existsSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { filesBelow, hashOfFiles, readJson, sha256OfFile, writeAtomically } from "../setup/content-hash.mjs";
import { SetupError } from "../setup/setup-error.mjs";
import { compileAddon, requireCompiler } from "./compile.mjs";
import { LIBRARY_NAMES } from "./install.mjs";
import { planNative } from "./plan.mjs";
import { smokeTestKernels } from "./smoke.mjs";
import { temporaryFolder } from "./temporary-folder.mjs";

/** @typedef {import("../setup/machine.mjs").Machine} Machine */

const LIBRARY = "thaw_kernels.node";

/** Loops over channels become vectors at -O3; a product and a sum become one rounding (FMA) where the processor has it. */
const FLAGS = ["-O3", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"];

/** Sets of instructions to compile for, best first, each with the processor's own names for what it takes. */
const LEVELS = [
  { march: "x86-64-v4", flags: ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx2", "fma"] },
  { march: "x86-64-v3", flags: ["avx2", "fma", "bmi2", "f16c"] },
];

/**
 * Builds Thaw's own kernels (packages/node-runner/native) against the libtensorflow that was set up, for this processor,
 * in `<cache>/native/<key>-kernels-<hash>/`, where the runner looks for the build of its own sources. Without one it works
 * with TensorFlow's kernels: a failure is a warning.
 * @param {Machine} machine
 * @param {import("./variant.mjs").Choice} choice
 * @returns {Promise<string | import("../setup/steps.mjs").Warning>}
 */
export async function installOwnKernels(machine, choice) {
  const native = join(machine.cacheFolder, "native");
  const plan = await planNative(machine, choice);
  const sourceFolder = join(machine.root, "packages", "node-runner", "native");
  const sources = filesBelow(sourceFolder);
  const level = levelOf(machine);
  const flags = [...FLAGS, ...(level === undefined ? [] : [`-march=${level.march}`])];
  const hash = hashOfFiles(sourceFolder, sources, flags).slice(0, 8);
  const name = `${plan.key}-kernels-${hash}`;
  const target = join(native, name);
  const title = `${name} (${level?.march ?? machine.arch})`;
  if (isWhole(target)) return `${title}, already there`;
  const folder = temporaryFolder(native);
  try {
    const compiler = await requireCompiler(machine);
    const library = readJson(join(native, plan.key, "manifest.json"));
    const wheel = join(native, plan.key, "tensorflow");
    await compileAddon(machine, compiler.command, {
      sources: sources.filter((file) => file.endsWith(".cc")),
      includeFolders: [plan.nodeHeaders, plan.local?.include ?? join(wheel, "include")],
      libraries: plan.local?.libraries ?? LIBRARY_NAMES.map((file) => join(wheel, file)),
      rpath: plan.local?.libraryFolder ?? `$ORIGIN/../${plan.key}/tensorflow`,
      output: join(folder, LIBRARY),
      flags,
    });
    const manifest = {
      schema: 1,
      key: name,
      library: LIBRARY,
      bytes: statSync(join(folder, LIBRARY)).size,
      march: level?.march ?? null,
      needs: level?.flags ?? [],
      compiler: compiler.version,
      sources: Object.fromEntries(
        await Promise.all(sources.map(async (file) => [basename(file), await sha256OfFile(file)])),
      ),
      builtAt: new Date().toISOString(),
    };
    writeAtomically(join(folder, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
    if (existsSync(target)) renameSync(target, join(temporaryFolder(native), "broken"));
    renameSync(folder, target);
    await smokeTestKernels(machine, join(native, plan.key, library.addon), join(target, LIBRARY));
    return title;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    rmSync(target, { recursive: true, force: true });
    return {
      warning: "not built: TensorFlow's own kernels are used, up to twice as slow",
      details: [error.message, ...(error.hint ?? "").split("\n")],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns {typeof LEVELS[number] | undefined} undefined where nothing beyond the platform's least is known to be there */
function levelOf(/** @type {Machine} */ machine) {
  if (machine.arch !== "x64" || machine.platform !== "linux") return undefined;
  const text = existsSync("/proc/cpuinfo") ? readFileSync("/proc/cpuinfo", "utf8") : "";
  const flags = new Set(/^flags\s*:(.*)$/m.exec(text)?.[1]?.split(" ") ?? []);
  return LEVELS.find((level) => level.flags.every((flag) => flags.has(flag)));
}

/** @returns {boolean} */
function isWhole(/** @type {string} */ folder) {
  const manifest = readJson(join(folder, "manifest.json"));
  if (manifest?.schema !== 1) return false;
  return statSync(join(folder, manifest.library), { throwIfNoEntry: false })?.size === manifest.bytes;
}

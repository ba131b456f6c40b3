import fs, { chmodSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { filesBelow, readJson, writeAtomically } from "../setup/content-hash.mjs";
import { SetupError } from "../setup/setup-error.mjs";
import { compileAddon, requireCompiler } from "./compile.mjs";
import { findLocalLibrary } from "./local-library.mjs";
import { planNative } from "./plan.mjs";
import { pythonOf, requirePip } from "./python.mjs";
import { smokeTest } from "./smoke.mjs";
import { sweepTemporaryFolders, temporaryFolder } from "./temporary-folder.mjs";
import { fetchWheel } from "./wheel.mjs";

/**
 * @typedef {import("../setup/machine.mjs").Machine} Machine
 * @typedef {import("./plan.mjs").NativePlan} NativePlan
 * @typedef {{ path: string, bytes: number }} InstalledFile path relative to the build's folder, or absolute (the user's own)
 */

const ADDON = "tfjs_binding.node";

/** What an addon is linked with, of the wheel. */
export const LIBRARY_NAMES = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"];

/** Members of the wheels: the two libraries, the C headers, and of the NVIDIA wheels what is loaded at run time. */
const MEMBERS =
  "^tensorflow/libtensorflow_(cc|framework)\\.so\\.2$" +
  "|^tensorflow/include/(tensorflow/c/|tensorflow/core/platform/ctstring|(tsl|xla/tsl)/platform/ctstring|tsl/c/|xla/tsl/c/)" +
  "|^nvidia/[^/]+/(lib|bin|nvvm)/(?!.*\\.a$)";

/**
 * Makes the addon and its libraries stand in `<cache>/native/<key>/`, and points `current.json` at it. Everything is
 * built in a temporary folder beside it and becomes real by one rename, so a killed set-up leaves nothing to be trusted.
 * @param {Machine} machine
 * @param {import("./variant.mjs").Choice} choice
 * @returns {Promise<string>} the outcome in a few words
 */
export async function installNative(machine, choice) {
  const native = join(machine.cacheFolder, "native");
  const plan = await planNative(machine, choice);
  const target = join(native, plan.key);
  const fresh = !isWhole(target);
  // Also where the addon stands: a set-up may have been killed later, as it built its own kernels.
  sweepTemporaryFolders(native);
  sweepTemporaryFolders(join(machine.cacheFolder, "downloads"));
  if (fresh) {
    const tools = await requireNativeTools(machine, choice);
    mkdirSync(native, { recursive: true });
    requireSpace(machine, choice);
    await build(machine, plan, tools.compiler, native, target);
  }
  pointAt(native, plan);
  return `${plan.key} (${choice.reason})${fresh ? "" : ", already there"}`;
}

/**
 * Whether the addon that was set up last is of the chosen variant: then the tools that build it need not be there.
 * @param {Machine} machine
 * @param {import("./variant.mjs").Choice} choice
 */
export function seemsInstalled(machine, choice) {
  const native = join(machine.cacheFolder, "native");
  const pointer = readJson(join(native, `current-${choice.variant}.json`));
  return typeof pointer?.key === "string" && isWhole(join(native, pointer.key));
}

/**
 * Everything that building takes and npm does not bring. All that is missing is told at once.
 * @param {Machine} machine
 * @param {import("./variant.mjs").Choice} choice
 */
export async function requireNativeTools(machine, choice) {
  if (choice.variant === "local") findLocalLibrary(choice.folder);
  if (choice.variant !== "local" && machine.platform === "linux" && machine.glibcVersion() === undefined) {
    throw new SetupError(
      "unsupported-platform",
      "libtensorflow's wheels need glibc, and this system has another C library (Alpine's musl, most likely).",
      "Use a Debian or Ubuntu system or image (node:22-bookworm), or LIBTENSORFLOW_DIR with a library built for it.",
    );
  }
  /** @type {SetupError[]} */
  const missing = [];
  const collect = (/** @type {unknown} */ error) => {
    if (!(error instanceof SetupError)) throw error;
    missing.push(error);
    return undefined;
  };
  const compiler = await requireCompiler(machine).catch(collect);
  const python = choice.variant === "local" ? "" : await requirePip(machine).catch(collect);
  const first = missing[0];
  if (first !== undefined || compiler === undefined || python === undefined) {
    if (first === undefined || missing.length === 1) throw first;
    const messages = missing.map((error) => error.message).join(" ");
    throw new SetupError(first.code, messages, missing.map((error) => error.hint).join("\n"));
  }
  return { compiler, python };
}

/**
 * @param {Machine} machine
 * @param {NativePlan} plan
 * @param {{ command: string, version: string }} compiler
 * @param {string} native
 * @param {string} target
 */
async function build(machine, plan, compiler, native, target) {
  const { choice, local, sources } = plan;
  const folder = temporaryFolder(native);
  try {
    /** @type {string[]} */
    const spent = [];
    if (choice.variant !== "local") {
      if (choice.pins.unverified) machine.say(`        ${machine.platform}-${machine.arch}: ${choice.pins.unverified}`);
      for (const pin of choice.pins.wheels) {
        const wheel = await fetchWheel(machine, pin, choice.python);
        if (wheel.ours) spent.push(wheel.path);
        await extract(machine, wheel.path, folder);
      }
    }
    const wheelFolder = join(folder, "tensorflow");
    machine.say("        compiling the addon");
    await compileAddon(machine, compiler.command, {
      sources: Object.keys(sources)
        .filter((path) => path.endsWith(".cc"))
        .map((path) => join(plan.packageFolder, path)),
      includeFolders: [plan.nodeHeaders, plan.packageFolder, local?.include ?? join(wheelFolder, "include")],
      libraries: local?.libraries ?? LIBRARY_NAMES.map((name) => join(wheelFolder, name)),
      rpath: local?.libraryFolder ?? "$ORIGIN/tensorflow",
      output: join(folder, ADDON),
    });
    const { tfVersion } = await smokeTest(machine, join(folder, ADDON));
    const own = filesBelow(folder, (name) => name !== "include");
    const manifest = {
      schema: 1,
      key: plan.key,
      tfVersion,
      variant: choice.variant,
      platform: `${machine.platform}-${machine.arch}`,
      wheels: choice.variant === "local" ? [] : choice.pins.wheels.map(({ file, sha256 }) => ({ file, sha256 })),
      libraryFolder: local?.libraryFolder ?? "tensorflow",
      libtensorflowDir: choice.variant === "local" ? choice.folder : null,
      compiler: compiler.version,
      package: plan.packageName,
      sources,
      addon: ADDON,
      files: [
        ...own.map((file) => installed(relative(folder, file), file)),
        ...(local?.libraries ?? []).map((file) => installed(file, file)),
      ],
      builtAt: new Date().toISOString(),
    };
    writeAtomically(join(folder, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
    chmodSync(folder, 0o755);
    if (existsSync(target)) renameSync(target, join(temporaryFolder(native), "broken"));
    renameSync(folder, target);
    sweepTemporaryFolders(native);
    for (const wheel of spent) rmSync(wheel, { force: true });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {Machine} machine
 * @param {string} wheel
 * @param {string} folder
 */
async function extract(machine, wheel, folder) {
  const script = fileURLToPath(new URL("extract_members.py", import.meta.url));
  const finished = await machine.run(pythonOf(machine), [script, wheel, folder, MEMBERS]);
  if (finished.status === 0 && Number(finished.stdout) > 0) return;
  const last = finished.stderr.trim().split("\n").at(-1);
  throw new SetupError(
    "extract-failed",
    `Nothing could be taken out of ${wheel}.`,
    last || "The wheel holds none of the expected libraries: pins.json and install.mjs do not fit together.",
  );
}

/** @returns {InstalledFile} */
function installed(/** @type {string} */ path, /** @type {string} */ file) {
  return { path, bytes: statSync(file).size };
}

/** @returns {boolean} whether every file that the manifest lists is there in its size */
function isWhole(/** @type {string} */ folder) {
  const manifest = readJson(join(folder, "manifest.json"));
  if (manifest?.schema !== 1 || !Array.isArray(manifest.files) || manifest.files.length === 0) return false;
  return manifest.files.every((/** @type {InstalledFile} */ { path, bytes }) => {
    const file = path.startsWith("/") ? path : join(folder, path);
    return statSync(file, { throwIfNoEntry: false })?.size === bytes;
  });
}

/** The runner reads `current.json`: what was set up last is what runs. Paths in it are relative, so the cache may move. */
function pointAt(/** @type {string} */ native, /** @type {NativePlan} */ { key, choice }) {
  const text = `${JSON.stringify({ key, variant: choice.variant })}\n`;
  for (const name of [`current-${choice.variant}.json`, "current.json"]) {
    const path = join(native, name);
    if (readJson(path)?.key !== key) writeAtomically(path, text);
  }
}

function requireSpace(/** @type {Machine} */ machine, /** @type {import("./variant.mjs").Choice} */ choice) {
  if (choice.variant === "local") return;
  // Not imported by name: a Node too old to have it must get as far as saying so.
  const { bavail, bsize } = fs.statfsSync(machine.cacheFolder);
  const free = bavail * bsize;
  if (free >= choice.pins.diskBytes) return;
  const gigabytes = (/** @type {number} */ bytes) => (bytes / 1e9).toFixed(1);
  throw new SetupError(
    "disk-full",
    `The ${choice.variant} libtensorflow takes ${gigabytes(choice.pins.diskBytes)} GB while it is installed, and ${machine.cacheFolder} has ${gigabytes(free)} GB free.`,
    "Make room, or set THAW_CACHE to a folder on a larger disk.",
  );
}

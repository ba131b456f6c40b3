import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { ThawError } from "@thaw/core";
import { type Environment, nativeFolder } from "./cache-folder.ts";
import type { NativeManifest } from "./manifest.ts";

const SETUP_HINT = "Run in the checkout: npm run setup";

/** An addon that is there, whole, and built from the sources of the installed npm package. */
export interface LocatedNative {
  /** Absolute path of `tfjs_binding.node`. */
  readonly addon: string;
  /** Absolute path of the build's folder. */
  readonly folder: string;
  readonly manifest: NativeManifest;
}

/**
 * Finds the addon that set-up has built: the one for `LIBTENSORFLOW_DIR` or `THAW_DEVICE` where set, else the last one.
 * @throws ThawError `native-missing`: there is none, or it is not whole, or not of this package or that folder
 */
export function locateNative(env: Environment = process.env): LocatedNative {
  const native = nativeFolder(env);
  const device = env.THAW_DEVICE;
  if (device && device !== "cpu" && device !== "cuda") {
    throw new ThawError("bad-device", `THAW_DEVICE is "${device}"; it can be "cpu" or "cuda".`, {
      hint: "Unset it to run on what set-up has chosen.",
    });
  }
  const wanted = env.LIBTENSORFLOW_DIR ? "local" : device || undefined;
  const pointer = join(native, wanted ? `current-${wanted}.json` : "current.json");
  const key = readJson<{ key: string }>(pointer)?.key;
  if (typeof key !== "string") {
    const which = wanted === undefined ? "no libtensorflow" : `no ${wanted} libtensorflow`;
    throw missing(`There is ${which} in ${native}.`, wanted === "cpu" || wanted === "cuda" ? wanted : undefined);
  }
  const folder = join(native, key);
  const manifest = readJson<NativeManifest>(join(folder, "manifest.json"));
  if (manifest?.schema !== 1) throw missing(`The addon's manifest is missing from ${folder}.`);
  checkFiles(folder, manifest);
  checkSources(manifest);
  const ownFolder = env.LIBTENSORFLOW_DIR;
  if (ownFolder && (manifest.libtensorflowDir === null || resolve(manifest.libtensorflowDir) !== resolve(ownFolder))) {
    throw missing(`The addon was built for LIBTENSORFLOW_DIR=${manifest.libtensorflowDir}, which is now ${ownFolder}.`);
  }
  return { addon: join(folder, manifest.addon), folder, manifest };
}

function checkFiles(folder: string, manifest: NativeManifest): void {
  for (const { path, bytes } of manifest.files) {
    const file = isAbsolute(path) ? path : join(folder, path);
    const found = statSync(file, { throwIfNoEntry: false })?.size;
    if (found === undefined) throw missing(`${file} is missing.`);
    if (found !== bytes) throw missing(`${file} has ${found} bytes; it had ${bytes} when the addon was built.`);
  }
}

/** The JavaScript half of tfjs-node-gpu and the addon must be of one version. */
function checkSources(manifest: NativeManifest): void {
  const require = createRequire(import.meta.url);
  const installed = dirname(require.resolve("@tensorflow/tfjs-node-gpu/package.json"));
  for (const [path, sha256] of Object.entries(manifest.sources)) {
    const file = join(installed, path);
    if (existsSync(file) && createHash("sha256").update(readFileSync(file)).digest("hex") === sha256) continue;
    throw missing(`The addon was built from ${manifest.package}, whose ${path} is not that of the installed package.`);
  }
}

function missing(message: string, device?: "cpu" | "cuda"): ThawError {
  return new ThawError("native-missing", message, {
    hint: device ? `${SETUP_HINT} (with THAW_DEVICE=${device})` : SETUP_HINT,
  });
}

function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as T;
  } catch {
    return undefined;
  }
}

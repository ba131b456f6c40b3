import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { isMainThread } from "node:worker_threads";
import type * as TensorFlowJs from "@tensorflow/tfjs-core";
import { ThawError } from "@thaw/core";
import type { NodeBackend, NodeBinding } from "./binding.ts";
import { gpuReason } from "./gpu.ts";
import { type LocatedNative, locateNative } from "./locate.ts";
import type { NativeVariant } from "./manifest.ts";
import { restoreUtilFunctions } from "./node-shim.ts";
import { loadOwnKernels, type OwnKernels } from "./own-kernels.ts";

const PACKAGE = "@tensorflow/tfjs-node-gpu";
const BACKEND = "tensorflow";

/** Settings that libtensorflow reads once, when it is loaded; each changes bits of the results. */
export interface NativeOptions {
  /** Threads of one operation, ≥ 1; default `TF_NUM_INTRAOP_THREADS`, else one for each core. */
  readonly threads?: number;
  /** Whether oneDNN's kernels are used where the library has them. */
  readonly oneDnn: boolean;
  /** Whether a GPU may round float32 products to TF32; default false. */
  readonly tf32?: boolean;
}

/** What runs, for the result's environment manifest. */
export interface NativeInfo {
  readonly tfVersion: string;
  readonly variant: NativeVariant;
  readonly oneDnn: boolean;
  readonly threads: number;
  readonly tf32: boolean;
  readonly usingGpu: boolean;
  /** Why no GPU is used; null when one is. */
  readonly gpuReason: string | null;
  /** File names of the wheels that the libraries come from; none for the variant "local". */
  readonly wheels: readonly string[];
  readonly compiler: string;
  /** Names the build in the cache. */
  readonly key: string;
  /** Thaw's own kernels: there, or why they are not. On a GPU they are not. */
  readonly ownKernels: OwnKernels;
}

export interface LoadedNative {
  readonly tf: typeof TensorFlowJs;
  readonly backend: NodeBackend;
  readonly info: NativeInfo;
}

let loaded: { readonly settings: string; readonly native: LoadedNative } | undefined;

/**
 * Loads libtensorflow into this process and makes it tfjs-core's backend. Once per process: a second call with the same
 * options gets the same, one with others throws.
 * @throws ThawError `native-missing`, `native-broken`, `native-already-loaded`, `native-thread`, `bad-threads`
 */
export function loadNative(options: NativeOptions): LoadedNative {
  const settings = JSON.stringify([options.threads ?? null, options.oneDnn, options.tf32 ?? false]);
  if (loaded !== undefined) {
    if (loaded.settings === settings) return loaded.native;
    throw new ThawError(
      "native-already-loaded",
      "libtensorflow is already loaded in this process with other settings.",
      {
        hint: "Threads, oneDNN and TF32 are fixed at loading: use a process for each combination.",
        details: { loaded: loaded.settings, wanted: settings },
      },
    );
  }
  if (!isMainThread) {
    // A worker's process.env is a copy that the C library does not see: the settings would be ignored without a word.
    throw new ThawError("native-thread", "libtensorflow can only be loaded in a process's main thread.", {
      hint: "Start a child process instead of a worker thread.",
    });
  }
  const located = locateNative();
  const threads = setEnvironment(options);
  const { tf, backend } = loadBackend(located);
  const { manifest } = located;
  const usingGpu = backend.isUsingGpuDevice;
  const info: NativeInfo = {
    tfVersion: backend.binding.TF_Version,
    variant: manifest.variant,
    oneDnn: options.oneDnn,
    threads,
    tf32: options.tf32 ?? false,
    usingGpu,
    gpuReason: gpuReason(manifest.variant, usingGpu),
    wheels: manifest.wheels.map(({ file }) => file),
    compiler: manifest.compiler,
    key: manifest.key,
    ownKernels: usingGpu
      ? { ok: false, reason: "they are for processors, and a GPU is used" }
      : loadOwnKernels(located.folder, threads),
  };
  loaded = { settings, native: { tf, backend, info } };
  return loaded.native;
}

/** Node's process.env writes through to the C environment, where libtensorflow looks when it is loaded. */
function setEnvironment({ threads, oneDnn, tf32 = false }: NativeOptions): number {
  const { env } = process;
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw new ThawError("bad-threads", `threads is ${threads}; it must be a whole number from 1.`);
  }
  if (threads !== undefined) env.TF_NUM_INTRAOP_THREADS = String(threads);
  // Eager operations run one after the other: threads between operations have nothing to do.
  env.TF_NUM_INTEROP_THREADS = "1";
  env.TF_ENABLE_ONEDNN_OPTS = oneDnn ? "1" : "0";
  env.NVIDIA_TF32_OVERRIDE = tf32 ? "1" : "0";
  // TensorFlow logs its start on stderr; errors still show.
  env.TF_CPP_MIN_LOG_LEVEL ??= "2";
  if (env.THAW_DEVICE === "cpu") env.CUDA_VISIBLE_DEVICES = "-1";
  const fromEnvironment = Number(env.TF_NUM_INTRAOP_THREADS);
  return Number.isInteger(fromEnvironment) && fromEnvironment >= 1 ? fromEnvironment : availableParallelism();
}

/**
 * Does what tfjs-node-gpu's `index.js` does, which looks for the addon only where its own installer puts it. Its backend
 * module requires the umbrella package `@tensorflow/tfjs` (150 ms, and the name "cpu" registered beside ours): harmless,
 * since the backend is set here and checked.
 */
function loadBackend({ addon, manifest }: LocatedNative): Omit<LoadedNative, "info"> {
  const require = createRequire(import.meta.url);
  restoreUtilFunctions();
  try {
    const binding = require(addon) as NodeBinding;
    const { NodeJSKernelBackend } = require(`${PACKAGE}/dist/nodejs_kernel_backend.js`) as {
      NodeJSKernelBackend: new (binding: NodeBinding, packageName: string) => NodeBackend;
    };
    require(`${PACKAGE}/dist/register_all_kernels.js`);
    const tf = require("@tensorflow/tfjs-core") as typeof TensorFlowJs;
    const backend = new NodeJSKernelBackend(binding, PACKAGE);
    tf.registerBackend(BACKEND, () => backend, 3);
    if (!tf.setBackend(BACKEND) || tf.getBackend() !== BACKEND || tf.backend() !== backend) {
      throw new Error(`tfjs-core's backend is "${tf.getBackend()}"`);
    }
    return { tf, backend };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ThawError("native-broken", `The addon ${addon} (${manifest.key}) could not be loaded: ${reason}.`, {
      hint: "Remove its folder and run: npm run setup",
      cause: error,
    });
  }
}

import { performance } from "node:perf_hooks";
import type { Tensor } from "@tensorflow/tfjs-core";
import type { Environment, Host, Kernels, RunOptions } from "@thaw/core";
import { fileHost, plainKernelsOf, platformOf, processorName } from "@thaw/runner-kit";
import { type LoadedNative, loadNative } from "./native/load.ts";
import { type NodeSettings, nodeSettings } from "./settings.ts";
import { tensorflowKernels } from "./tensorflow-kernels.ts";

/** Images whose outputs, a few MB each in the first layers of MobileNetV2, stay in a processor's last cache. */
const PREFIX_BATCH = 8;

/** Loads libtensorflow with the given settings; once a process, since they are read at load. */
export function loadEngine(settings: NodeSettings): LoadedNative {
  return loadNative({ threads: settings.threads, oneDnn: settings.oneDnn, tf32: settings.tf32 });
}

/** Whose kernels run, and why not our own. */
function kernelsInWords({ ownKernels }: LoadedNative["info"], { kernels }: NodeSettings): string {
  if (kernels === "tensorflow") return "TensorFlow's, as asked for";
  return ownKernels.ok
    ? `own, ${ownKernels.key}, ${ownKernels.lanes} lanes`
    : `TensorFlow's: of our own ${ownKernels.reason}`;
}

/** Describes this process, its library and its device. */
export function environmentOf({ tf, info }: LoadedNative, settings: NodeSettings): Environment {
  const processor = processorName();
  return {
    runner: "node",
    engine: `libtensorflow ${info.tfVersion}`,
    device: {
      kind: info.usingGpu ? "gpu" : "cpu",
      name: info.usingGpu ? "CUDA device 0" : processor,
      software: false,
      ...(info.gpuReason === null ? {} : { note: info.gpuReason }),
    },
    settings: { ...settings },
    versions: {
      node: process.versions.node,
      tfjs: tf.version_core,
      libtensorflow: info.tfVersion,
      libtensorflowBuild: info.variant,
      wheels: info.wheels.join(" "),
      compiler: info.compiler,
      kernels: kernelsInWords(info, settings),
    },
    platform: platformOf(),
  };
}

function usesOwn({ info }: LoadedNative, { kernels }: NodeSettings): boolean {
  return kernels === "own" && info.ownKernels.ok;
}

/** The kernels that these settings ask for. */
export function kernelsOf(loaded: LoadedNative, settings: NodeSettings): Kernels<Tensor> {
  const { tf, backend } = loaded;
  const plain = plainKernelsOf(settings.plainKernels);
  return tensorflowKernels(tf, backend, { plain, own: usesOwn(loaded, settings) });
}

/** Makes the host that core's `train()` runs on. */
export function createHost(options: Omit<RunOptions, "signal">, signal: AbortSignal): Host<Tensor> {
  const settings = nodeSettings(options.settings);
  const loaded = loadEngine(settings);
  return {
    // Own kernels give an image the same bits in any batch, and normalise as fast as memory can be read.
    ...(usesOwn(loaded, settings) ? { prefixBatch: PREFIX_BATCH, savesMemory: true, padsInConvolutions: true } : {}),
    kernels: kernelsOf(loaded, settings),
    environment: environmentOf(loaded, settings),
    now: () => performance.now(),
    synchronize: () => new Promise((resolve) => setImmediate(resolve)), // TensorFlow's eager CPU ops return when done
    peakRssBytes: () => process.resourceUsage().maxRSS * 1024,
    ...fileHost(options),
    signal,
  };
}

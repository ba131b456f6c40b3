import type { Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import type { Environment, Host } from "@thaw/core";
import type { EngineName, OpenedEngine } from "../messages.ts";
import type { PageEngine } from "./page-engine.ts";

/** What an engine tells of itself. */
export function describeEngine(name: EngineName, engine: PageEngine): OpenedEngine {
  return {
    engine: `tfjs-backend-${name} ${tf.version_core}`,
    device: engine.device,
    adapter: engine.adapter,
    backends: Object.keys(tf.engine().registryFactory),
    threads: engine.threads,
    tfjs: tf.version_core,
    userAgent: navigator.userAgent,
    processors: navigator.hardwareConcurrency,
  };
}

/** The part of a host that an engine gives. */
export function engineHost(
  { kernels, synchronize, dispatches, deviceTimer }: PageEngine,
  environment: Environment,
): Omit<Host<Tensor>, "readBlob"> {
  return {
    kernels,
    environment,
    now: () => performance.now(),
    synchronize,
    ...(dispatches === undefined ? {} : { dispatches }),
    ...(deviceTimer === undefined ? {} : { deviceTimer }),
    peakRssBytes: () => null, // a page cannot see it
  };
}

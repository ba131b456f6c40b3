import { getThreadsCount, setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import plainUrl from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url";
import simdUrl from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url";
import threadedUrl from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url";
import * as tf from "@tensorflow/tfjs-core";
import { tfjsKernels, UNIT_ROUNDOFF } from "@thaw/core";
import type { OpenRequest } from "../messages.ts";
import { activate, type PageEngine } from "./page-engine.ts";

/**
 * Starts the backend with so many threads. It gives itself half of the processors that the browser reports, whatever is
 * asked for (tfjs-backend-wasm 4.22, backend.cc): for this moment the browser reports twice as many.
 */
async function activateWithThreads(threads: number): Promise<void> {
  if (threads === 1) {
    tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
    await activate("wasm");
    return;
  }
  setThreadsCount(threads);
  Object.defineProperty(navigator, "hardwareConcurrency", { configurable: true, value: 2 * threads });
  try {
    await activate("wasm");
  } finally {
    Reflect.deleteProperty(navigator, "hardwareConcurrency");
  }
}

/** WebAssembly with SIMD, on threads where the page is isolated; convolution gradients that it lacks are composed. */
export async function openWasmEngine({ threads }: OpenRequest): Promise<PageEngine> {
  setWasmPaths({
    "tfjs-backend-wasm.wasm": plainUrl,
    "tfjs-backend-wasm-simd.wasm": simdUrl,
    "tfjs-backend-wasm-threaded-simd.wasm": threadedUrl,
  });
  await activateWithThreads(threads);
  return {
    kernels: tfjsKernels(tf),
    device: { kind: "cpu", name: null, software: false },
    adapter: null,
    threads: getThreadsCount(),
    unitRoundoff: UNIT_ROUNDOFF.float32,
    synchronize: async () => undefined,
  };
}

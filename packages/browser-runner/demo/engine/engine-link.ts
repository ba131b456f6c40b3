import { type Environment, type RunEvent, ThawError } from "@thaw/core";
import { proxy, type Remote, wrap } from "comlink";
import type { EngineName, PageAnswer } from "../../src/messages.ts";
import { unwrap } from "../../src/page/answer.ts";
import type { EngineApi, TrainRequest } from "./engine-api.ts";

/** An engine in a worker of its own, so that the page stays at hand. */
export interface EngineLink {
  readonly name: EngineName;
  readonly environment: Environment;
  train(request: TrainRequest, onEvents: (events: readonly RunEvent[]) => void): Promise<Uint8Array>;
  cancel(): void;
  classify(pixels: Uint8Array): Promise<Float32Array>;
  /** Ends the worker and all that it holds. */
  close(): void;
}

/** A worker whose code does not load or run says so by an event alone. */
function brokenWorker(worker: Worker): Promise<never> {
  return new Promise((_, reject) => {
    worker.addEventListener("error", ({ message }) => {
      reject(
        new ThawError("worker-failed", `The page's worker does not run: ${message || "its file did not load"}.`, {
          hint: "Load the page again. If it recurs, some of the page's files are missing on its server.",
        }),
      );
    });
  });
}

/**
 * Starts a worker with an engine.
 * @throws ThawError `webgpu-unavailable`, `engine-unavailable`, `kernels-missing`, `worker-failed`
 */
export async function openEngineLink(name: EngineName): Promise<EngineLink> {
  const worker = new Worker(new URL("./engine-worker.ts", import.meta.url), { type: "module" });
  const broken = brokenWorker(worker);
  broken.catch(() => undefined); // seen by whoever races against it
  const remote: Remote<EngineApi> = wrap<EngineApi>(worker);
  const call = async <T>(answer: Promise<PageAnswer<T>>): Promise<T> => unwrap(await Promise.race([answer, broken]));
  try {
    const environment = await call(remote.open(name));
    return {
      name,
      environment,
      train: (request, onEvents) => call(remote.train(request, proxy(onEvents))),
      cancel: () => void remote.cancel(),
      classify: (pixels) => call(remote.classify(pixels)),
      close: () => worker.terminate(),
    };
  } catch (error) {
    worker.terminate();
    throw error;
  }
}

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

/** What may end a worker in the middle of a call, which then would wait for ever. */
function endOf(worker: Worker): { readonly ended: Promise<never>; readonly end: () => void } {
  let end: () => void = () => undefined;
  const ended = new Promise<never>((_, reject) => {
    end = () => {
      worker.terminate();
      reject(new ThawError("cancelled", "Another engine was chosen."));
    };
    worker.addEventListener("error", ({ message }) => {
      reject(
        new ThawError("worker-failed", `The page's worker does not run: ${message || "its file did not load"}.`, {
          hint: "Load the page again. If it recurs, some of the page's files are missing on its server.",
        }),
      );
    });
  });
  ended.catch(() => undefined); // seen by whoever races against it
  return { ended, end };
}

/**
 * Starts a worker with an engine.
 * @throws ThawError `webgpu-unavailable`, `engine-unavailable`, `kernels-missing`, `worker-failed`
 */
export async function openEngineLink(name: EngineName): Promise<EngineLink> {
  const worker = new Worker(new URL("./engine-worker.ts", import.meta.url), { type: "module" });
  const { ended, end } = endOf(worker);
  const remote: Remote<EngineApi> = wrap<EngineApi>(worker);
  const call = async <T>(answer: Promise<PageAnswer<T>>): Promise<T> => unwrap(await Promise.race([answer, ended]));
  try {
    const environment = await call(remote.open(name));
    return {
      name,
      environment,
      train: (request, onEvents) => call(remote.train(request, proxy(onEvents))),
      cancel: () => void remote.cancel(),
      classify: (pixels) => call(remote.classify(pixels)),
      close: end,
    };
  } catch (error) {
    end();
    throw error;
  }
}

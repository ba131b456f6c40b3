import * as tf from "@tensorflow/tfjs-core";
import { type Plan, type RunEvent, serializeError, ThawError, train } from "@thaw/core";
import { BINDING, type PageAnswer, type PageApi, type PageMessage } from "../messages.ts";
import { pageHost } from "./host.ts";
import { verdictsOf } from "./op-suites.ts";
import { openEngine } from "./open-engine.ts";
import type { PageEngine } from "./page-engine.ts";

/** Steps in quick succession go out together: a call of the binding costs about 5 ms. */
const FLUSH_MS = 100;

const send = (message: PageMessage): Promise<void> =>
  (globalThis as unknown as Record<string, (message: PageMessage) => Promise<void>>)[BINDING]?.(message) ??
  Promise.reject(new Error("The page has no binding."));

let opened: PageEngine | undefined;
const runs = new Map<number, AbortController>();

function engineOf(): PageEngine {
  if (opened === undefined) throw new ThawError("internal", "The page's engine is not open.");
  return opened;
}

/** Sends events in order and in bunches. */
function eventSender(run: number): { push(event: RunEvent): Promise<void>; alive(): void; flush(): Promise<void> } {
  let pending: RunEvent[] = [];
  let sentMs = performance.now();
  const flush = async (): Promise<void> => {
    const events = pending;
    pending = [];
    sentMs = performance.now();
    await send({ type: "events", run, events });
  };
  return {
    async push(event) {
      pending.push(event);
      if (event.type !== "step" || performance.now() - sentMs >= FLUSH_MS) await flush();
    },
    alive() {
      if (performance.now() - sentMs >= 1000) void flush();
    },
    flush,
  };
}

/** Errors cross the debugging protocol as data. */
async function answer<T>(work: () => Promise<T>): Promise<PageAnswer<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, error: serializeError(error) };
  }
}

/** How long after an error the device may still say that it was the cause. */
const CAUSE_MS = 1000;

/** Waits for work, or for the failure of the device under it: a lost device shows in odd ways before it is told. */
async function guarded<T>(work: Promise<T>, failure: Promise<never> | undefined): Promise<T> {
  if (failure === undefined) return await work;
  try {
    return await Promise.race([work, failure]);
  } catch (error) {
    const isCancelled = error instanceof ThawError && error.code === "cancelled";
    if (!isCancelled) await Promise.race([failure, new Promise((resolve) => setTimeout(resolve, CAUSE_MS))]);
    throw error;
  }
}

const api: PageApi = {
  open: (request) =>
    answer(async () => {
      if (opened !== undefined) throw new ThawError("internal", "The page's engine is open already.");
      const engine = await openEngine(request);
      opened = engine;
      engine.failure?.catch((error: unknown) => void send({ type: "failure", error: serializeError(error) }));
      return {
        engine: `tfjs-backend-${request.engine} ${tf.version_core}`,
        device: engine.device,
        adapter: engine.adapter,
        backends: Object.keys(tf.engine().registryFactory),
        threads: engine.threads,
        tfjs: tf.version_core,
        userAgent: navigator.userAgent,
        processors: navigator.hardwareConcurrency,
      };
    }),

  run: ({ run, environment, exportsWeights, traceWeightsAt, cache, profile }) =>
    answer(async () => {
      const engine = engineOf();
      const controller = new AbortController();
      runs.set(run, controller);
      try {
        const plan = (await (await fetch(`runs/${run}/plan.json`)).json()) as Plan;
        const sender = eventSender(run);
        const host = pageHost(
          engine,
          { id: run, environment, exportsWeights, traceWeightsAt, cache, profile },
          controller.signal,
          sender.alive,
        );
        const work = async (): Promise<void> => {
          for await (const event of train(plan, host)) await sender.push(event);
          await sender.flush();
        };
        await guarded(work(), engine.failure);
        return null;
      } finally {
        runs.delete(run);
      }
    }),

  cancel: (run) =>
    answer(async () => {
      runs.get(run)?.abort();
      return null;
    }),

  memory: () =>
    answer(async () => {
      const { numTensors, numBytes, ...backend } = tf.memory();
      const gpu = backend as { readonly numBytesInGPU?: number; readonly numBytesAllocatedInGPU?: number };
      return {
        tensors: numTensors,
        bytes: numBytes,
        gpuBytes: gpu.numBytesInGPU ?? null,
        gpuBytesAllocated: gpu.numBytesAllocatedInGPU ?? null,
      };
    }),

  judge: ({ run, suite, start }) =>
    answer(async () => {
      const engine = engineOf();
      const controller = new AbortController();
      runs.set(run, controller);
      try {
        const work = async (): Promise<void> => {
          for await (const verdict of await verdictsOf(engine, suite, start)) {
            if (controller.signal.aborted) throw new ThawError("cancelled", "The suite was cancelled.");
            await send({ type: "verdict", run, verdict });
          }
        };
        await guarded(work(), engine.failure);
        return null;
      } finally {
        runs.delete(run);
      }
    }),
};

Object.assign(globalThis, { thaw: api });

import * as tf from "@tensorflow/tfjs-core";
import { type Plan, serializeError, ThawError, train } from "@thaw/core";
import { BINDING, type PageApi, type PageMessage } from "../messages.ts";
import { answer, guarded } from "./answer.ts";
import { describeEngine } from "./engine-host.ts";
import { eventSender } from "./event-sender.ts";
import { pageHost } from "./host.ts";
import { verdictsOf } from "./op-suites.ts";
import { openEngine } from "./open-engine.ts";
import type { PageEngine } from "./page-engine.ts";

const send = (message: PageMessage): Promise<void> =>
  (globalThis as unknown as Record<string, (message: PageMessage) => Promise<void>>)[BINDING]?.(message) ??
  Promise.reject(new Error("The page has no binding."));

let opened: PageEngine | undefined;
const runs = new Map<number, AbortController>();

function engineOf(): PageEngine {
  if (opened === undefined) throw new ThawError("internal", "The page's engine is not open.");
  return opened;
}

const api: PageApi = {
  open: (request) =>
    answer(async () => {
      if (opened !== undefined) throw new ThawError("internal", "The page's engine is open already.");
      const engine = await openEngine(request);
      opened = engine;
      engine.failure?.catch((error: unknown) => void send({ type: "failure", error: serializeError(error) }));
      return describeEngine(request.engine, engine);
    }),

  run: ({ run, environment, exportsWeights, traceWeightsAt, cache, profile, checkpoint }) =>
    answer(async () => {
      const engine = engineOf();
      const controller = new AbortController();
      runs.set(run, controller);
      try {
        const plan = (await (await fetch(`runs/${run}/plan.json`)).json()) as Plan;
        const sender = eventSender((events) => send({ type: "events", run, events }));
        const host = pageHost(
          engine,
          { id: run, environment, exportsWeights, traceWeightsAt, cache, profile, checkpoint },
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

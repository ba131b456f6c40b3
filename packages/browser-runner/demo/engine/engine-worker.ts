import type { Tensor } from "@tensorflow/tfjs-core";
import {
  type BlobRef,
  type Host,
  networkOf,
  openPredictor,
  type Predictor,
  parseSafetensors,
  type RunEvent,
  ThawError,
  train,
} from "@thaw/core";
import { expose } from "comlink";
import type { EngineName } from "../../src/messages.ts";
import { answer, guarded } from "../../src/page/answer.ts";
import { describeEngine, engineHost } from "../../src/page/engine-host.ts";
import { eventSender } from "../../src/page/event-sender.ts";
import { openEngine } from "../../src/page/open-engine.ts";
import type { PageEngine } from "../../src/page/page-engine.ts";
import type { EngineApi, TrainRequest } from "./engine-api.ts";
import { pageEnvironment } from "./page-environment.ts";

let opened: { readonly name: EngineName; readonly engine: PageEngine } | undefined;
let running: AbortController | undefined;
let predictor: Predictor | undefined;

function engineOf(): NonNullable<typeof opened> {
  if (opened === undefined) throw new ThawError("internal", "The engine is not open.");
  return opened;
}

/** Trains and returns the final weights. */
async function trainHere(
  { plan, blobs }: TrainRequest,
  onEvents: (events: readonly RunEvent[]) => void | Promise<void>,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { name, engine } = engineOf();
  let weights: Uint8Array | undefined;
  const host: Host<Tensor> = {
    ...engineHost(engine, pageEnvironment(name, describeEngine(name, engine))),
    async readBlob({ sha256 }: BlobRef) {
      const blob = blobs.get(sha256);
      if (blob === undefined) throw new ThawError("internal", `The page did not hand over blob ${sha256}.`);
      return blob;
    },
    async writeWeights(bytes) {
      weights = bytes;
      return "the page";
    },
    signal,
  };
  // Waiting for the page to take the events also lets this worker hear that it shall cancel.
  const sender = eventSender(async (events) => void (await onEvents(events)));
  for await (const event of train(plan, host)) await sender.push(event);
  await sender.flush();
  if (weights === undefined) throw new ThawError("internal", "The run gave no weights.");
  return weights;
}

const api: EngineApi = {
  open: (name) =>
    answer(async () => {
      if (opened !== undefined) throw new ThawError("internal", "The engine is open already.");
      const engine = await openEngine({ engine: name, requireHardware: false, threads: 1, plainKernels: [] });
      opened = { name, engine };
      return pageEnvironment(name, describeEngine(name, engine));
    }),

  train: (request, onEvents) =>
    answer(async () => {
      if (running !== undefined) throw new ThawError("internal", "A run is going on.");
      const controller = new AbortController();
      running = controller;
      predictor?.dispose();
      predictor = undefined;
      try {
        const { engine } = engineOf();
        const weights = await guarded(trainHere(request, onEvents, controller.signal), engine.failure);
        const trained = parseSafetensors(weights, "the trained weights");
        predictor = openPredictor(engine.kernels, networkOf(request.plan), trained);
        return weights;
      } finally {
        running = undefined;
      }
    }),

  cancel: () => running?.abort(),

  classify: (pixels) =>
    answer(async () => {
      if (predictor === undefined) throw new ThawError("internal", "No network is trained.");
      return await guarded(predictor.probabilities(pixels, 1), engineOf().engine.failure);
    }),
};

expose(api);

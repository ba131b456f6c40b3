import type { PixelBatch, PredictEvent, PredictOptions, PredictRequest } from "@thaw/core";
import type { Ask } from "./asking.ts";
import type { ToChild } from "./messages.ts";
import { watchSteps } from "./watchdog.ts";

/**
 * Predicts in a child process: a batch travels whenever the child has room for one. A child that stands still for longer
 * than the request allows is killed.
 */
export async function* askPredictions(
  ask: Ask,
  request: PredictRequest,
  batches: AsyncIterable<PixelBatch>,
  { settings, signal }: PredictOptions,
): AsyncGenerator<PredictEvent> {
  const hanging = new AbortController();
  const stop = signal === undefined ? hanging.signal : AbortSignal.any([signal, hanging.signal]);
  const conversation = ask({ type: "predict", request, settings }, stop);
  const source = batches[Symbol.asyncIterator]();
  const watchdog = watchSteps(request.stepLimitSeconds, (error) => hanging.abort(error));
  try {
    let reply: ToChild | undefined;
    for (;;) {
      const { value: message, done } = await conversation.next(reply);
      watchdog.stop(); // the time of decoding and of the caller is not the child's
      reply = undefined;
      if (done === true) return;
      if (message.type === "prediction") yield message.event;
      if (message.type === "more") {
        const next = await source.next();
        reply = { type: "images", batch: next.done === true ? null : next.value };
      }
      watchdog.feed();
    }
  } finally {
    watchdog.stop();
    await conversation.return();
    await source.return?.();
  }
}

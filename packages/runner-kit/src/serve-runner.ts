import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import {
  type EngineSettings,
  type Environment,
  type Host,
  type OpStart,
  type OpSuite,
  type OpVerdict,
  predict,
  type RunOptions,
  serializeError,
  ThawError,
  train,
} from "@thaw/core";
import { type AskedBatches, askedBatches } from "./asked-batches.ts";
import { availabilityOf } from "./availability.ts";
import type { FromChild, ToChild } from "./messages.ts";

/** A host whose device can fail on its own. */
export interface ChildHost extends Host {
  /** Rejects when the device is lost or broken, whatever the run waits for. */
  readonly failure?: Promise<never>;
}

/** An engine whose operations are judged one by one. */
export interface JudgedEngine {
  readonly verdicts: AsyncIterable<OpVerdict>;
  /** Rejects when the device is lost or broken. */
  readonly failure?: Promise<never>;
}

/** What runs in a runner's child process. */
export interface ServedRunner {
  /**
   * Opens the engine and describes it.
   * @throws ThawError why the runner cannot run here
   */
  environment(settings: EngineSettings): Environment | Promise<Environment>;
  /** Opens the engine for one run. */
  createHost(options: Omit<RunOptions, "signal">, signal: AbortSignal): ChildHost | Promise<ChildHost>;
  /** Opens the engine and judges its operations; absent where the runner has no suite. */
  judge?(suite: OpSuite, settings: EngineSettings, start: OpStart): JudgedEngine | Promise<JudgedEngine>;
}

/** How often a run that has nothing to say shows that it is alive. */
const ALIVE_MS = 1000;
/** What a device gets to say why it failed, when work on it failed first. */
const REASON_MS = 300;

function send(message: FromChild): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(message, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });
}

function signOfLife(): () => void {
  let sentMs = performance.now();
  return () => {
    if (performance.now() - sentMs < ALIVE_MS) return;
    sentMs = performance.now();
    send({ type: "alive" }).catch(() => undefined); // a parent that is gone needs no sign
  };
}

async function run(runner: ServedRunner, request: ToChild & { type: "run" }, signal: AbortSignal): Promise<void> {
  const host = await runner.createHost(request.options, signal);
  const { profile } = request.options;
  const watched: Host = { ...host, ...(profile === undefined ? {} : { profile }), onProgress: signOfLife() };
  const work = async (): Promise<void> => {
    for await (const event of train(request.plan, watched)) await send({ type: "event", event });
  };
  await unlessLost(work(), host.failure);
}

async function answerImages(
  runner: ServedRunner,
  { request, settings }: ToChild & { type: "predict" },
  { batches }: AskedBatches,
  signal: AbortSignal,
): Promise<void> {
  const host = await runner.createHost({ storeDir: "", settings }, signal); // nothing of the store is read
  const watched = { ...host, onProgress: signOfLife() };
  const work = async (): Promise<void> => {
    for await (const event of predict(request, batches(), watched)) await send({ type: "prediction", event });
  };
  await unlessLost(work(), host.failure);
}

async function judge(
  runner: ServedRunner,
  { suite, settings, start }: ToChild & { type: "ops" },
  signal: AbortSignal,
): Promise<void> {
  const engine = await runner.judge?.(suite, settings, start);
  const work = async (): Promise<void> => {
    for await (const verdict of engine?.verdicts ?? []) {
      if (signal.aborted) throw new ThawError("cancelled", "The suite was cancelled.");
      await send({ type: "verdict", verdict });
      await nextTurn(); // an engine that computes in this thread would else never hear of "cancel"
    }
  };
  await unlessLost(work(), engine?.failure);
}

/** Waits for work, or for the reason why the device under it is lost. */
async function unlessLost(work: Promise<void>, failure: Promise<never> | undefined): Promise<void> {
  if (failure === undefined) return await work;
  try {
    await Promise.race([work, failure]);
  } catch (error) {
    await Promise.race([failure, delay(REASON_MS)]);
    throw error;
  }
}

/**
 * Answers the one request of the parent process (a probe, a run, a suite, predictions), and ends this process.
 * The child's module does nothing but call it.
 */
export function serveRunner(runner: ServedRunner): void {
  const cancellation = new AbortController();
  const images = askedBatches(() => send({ type: "more" }));

  async function handle(message: ToChild): Promise<void> {
    if (message.type === "cancel") {
      cancellation.abort();
      images.give(null); // who waits for images waits no longer
      return;
    }
    if (message.type === "images") {
      images.give(message.batch);
      return;
    }
    if (message.type === "probe") {
      const availability = await availabilityOf(() => runner.environment(message.settings));
      await send({ type: "available", availability });
    } else if (message.type === "ops") {
      await judge(runner, message, cancellation.signal);
    } else if (message.type === "predict") {
      await answerImages(runner, message, images, cancellation.signal);
    } else {
      await run(runner, message, cancellation.signal);
    }
    await send({ type: "done" });
    process.disconnect();
  }

  process.on("message", (message: ToChild) => {
    handle(message).catch(async (error: unknown) => {
      await send({ type: "error", error: serializeError(error) });
      process.disconnect();
    });
  });
  process.on("SIGINT", () => undefined); // the runner decides: it sends "cancel" and waits
  process.on("disconnect", () => process.exit());
}

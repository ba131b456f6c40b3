import {
  type Availability,
  type EngineSettings,
  type Plan,
  type RunEvent,
  type RunOptions,
  ThawError,
} from "@thaw/core";
import type { Conversation } from "./conversation.ts";
import type { ToChild } from "./messages.ts";
import { watchSteps } from "./watchdog.ts";

/** Sends one request to a fresh child process and gives its answers. */
export type Ask = (request: ToChild, signal?: AbortSignal) => Conversation;

/** Asks a child process what it runs on. */
export async function askAvailability(runner: string, ask: Ask, settings: EngineSettings): Promise<Availability> {
  for await (const message of ask({ type: "probe", settings })) {
    if (message.type === "available") return message.availability;
  }
  throw new ThawError("runner-crashed", `Runner "${runner}" did not answer the probe.`);
}

/** Runs a plan in a child process, and kills one that stands still for longer than the plan allows. */
export async function* askRun(ask: Ask, plan: Plan, { signal, ...options }: RunOptions): AsyncGenerator<RunEvent> {
  const hanging = new AbortController();
  const stop = signal === undefined ? hanging.signal : AbortSignal.any([signal, hanging.signal]);
  const watchdog = watchSteps(plan.spec.stepLimitSeconds, (error) => hanging.abort(error));
  try {
    for await (const message of ask({ type: "run", plan, options }, stop)) {
      watchdog.stop(); // the caller's time is not the child's
      if (message.type === "event") yield message.event;
      watchdog.feed();
    }
  } finally {
    watchdog.stop();
  }
}

import {
  type Availability,
  type EngineSettings,
  type Outcome,
  type RunEvent,
  type Runner,
  ThawError,
} from "@thaw/core";
import { availabilityOf, watchSteps } from "@thaw/runner-kit";
import { browserEndpoints, placeNames } from "./endpoints.ts";
import { environmentOf } from "./environment.ts";
import { eventQueue } from "./event-queue.ts";
import { ENGINES, type EngineName } from "./messages.ts";
import { judgeInPage, OP_SUITES } from "./page-ops.ts";
import type { BrowserSession } from "./session.ts";
import { SessionKeeper } from "./session-keeper.ts";
import { browserSettings } from "./settings.ts";

const MEMORY_SAMPLE_MS = 500;

/** Fills in what only the outside of the browser can see. */
function withMemory(event: RunEvent, peakRssBytes: number | null): RunEvent {
  if (event.type !== "end") return event;
  const outcome: Outcome = { ...event.outcome, memory: { ...event.outcome.memory, peakRssBytes } };
  return { type: "end", outcome };
}

/** Watches the browser's memory while a run goes on. */
function memorySampler({ launched }: BrowserSession): {
  readonly peak: () => number | null;
  readonly stop: () => void;
} {
  let peak: number | null = null;
  const sample = (): void => {
    const bytes = launched.rssBytes();
    if (bytes !== null) peak = Math.max(peak ?? 0, bytes);
  };
  const timer = setInterval(sample, MEMORY_SAMPLE_MS);
  return {
    peak() {
      sample();
      return peak;
    },
    stop: () => clearInterval(timer),
  };
}

async function probe(keeper: SessionKeeper, engine: EngineName, settings: EngineSettings): Promise<Availability> {
  return await availabilityOf(async () => {
    const complete = browserSettings(engine, settings);
    try {
      return environmentOf(engine, await keeper.acquire(complete), complete);
    } finally {
      keeper.release();
    }
  });
}

/** An engine in one browser: that of a Playwright server, or one of this machine. */
function browserRunner(engine: EngineName, endpoint?: string): Runner {
  const keeper = new SessionKeeper(engine, endpoint);
  return {
    name: engine,
    traces: true,
    profiles: true,
    resumes: true,
    opSuites: OP_SUITES,
    checkOps: (suite, options) => judgeInPage(keeper, engine, suite, options),
    probe: (settings = {}) => probe(keeper, engine, settings),
    async *run(plan, { storeDir, settings, exportWeights, trace, cache, profile, checkpoint, signal }) {
      const complete = browserSettings(engine, settings);
      const session = await keeper.acquire(complete);
      const queue = eventQueue<RunEvent>();
      const memory = memorySampler(session);
      const watchdog = watchSteps(plan.spec.stepLimitSeconds, (error) => {
        queue.fail(error);
        void keeper.close(); // a page that hangs listens to nothing
      });
      let finished = false;
      const served = {
        plan,
        storeDir,
        ...(exportWeights === undefined ? {} : { exportWeights }),
        ...(cache === undefined ? {} : { cache }),
        ...(profile === undefined ? {} : { profile }),
        ...(checkpoint === undefined ? {} : { checkpoint }),
        ...(trace === undefined ? {} : { traceFolder: trace.folder, weightsAt: trace.weightsAt }),
      };
      const run = session.run(served, environmentOf(engine, session, complete), signal, (events) => {
        watchdog.feed();
        for (const event of events) queue.push(withMemory(event, event.type === "end" ? memory.peak() : null));
      });
      run.then(
        () => queue.end(),
        (error: unknown) => queue.fail(error),
      );
      try {
        yield* queue.events;
        finished = true;
      } finally {
        watchdog.stop();
        memory.stop();
        // Left early or failed: whatever the page still does must not run into the next cell.
        if (finished) keeper.release();
        else await keeper.close();
      }
    },
    close: () => keeper.close(),
  };
}

/**
 * The runners in Chromium: `webgpu`, `webgl`, `wasm`, `cpu`. Where `THAW_BROWSER_WS` names several Playwright servers,
 * each is a place of its own; what runs one cell runs it at the first.
 * @throws ThawError `runner-unknown`, `setting-invalid`
 */
export function createRunner(name: string): Runner {
  const engine = ENGINES.find((candidate) => candidate === name);
  if (engine === undefined) {
    throw new ThawError("runner-unknown", `@thaw/browser-runner has no runner "${name}", only ${ENGINES.join(", ")}.`);
  }
  const endpoints = browserEndpoints();
  if (endpoints.length < 2) return browserRunner(engine);
  const names = placeNames(endpoints);
  const places = endpoints.map((endpoint, at) => {
    return { name: names[at] ?? "", runner: browserRunner(engine, endpoint) };
  });
  const [first] = places;
  return {
    ...(first?.runner ?? browserRunner(engine)),
    places,
    async close() {
      await Promise.all(places.map(({ runner }) => runner.close?.()));
    },
  };
}

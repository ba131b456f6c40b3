import {
  type Environment,
  type OpStart,
  type OpSuite,
  type OpVerdict,
  type RunEvent,
  serializeError,
  ThawError,
} from "@thaw/core";
import type { Page } from "playwright-core";
import { type AssetServer, type ServedRun, startServer } from "./asset-server.ts";
import { browserEndpoints } from "./endpoints.ts";
import { seemsToHaveGpu } from "./hardware.ts";
import { type LaunchedBrowser, launchBrowser } from "./launch.ts";
import type { EngineName, OpenedEngine, OpenRequest, PageMemory, RunRequest } from "./messages.ts";
import { pageFiles } from "./page-files.ts";
import { callPage, linkPage, type PageLink, type PageReport } from "./page-link.ts";

/** Opening an engine compiles nothing; a driver that takes longer hangs. */
const OPEN_TIMEOUT_MS = 60_000;

/** A browser with one page and one engine, kept from run to run so that its compiled shaders are. */
export class BrowserSession {
  readonly launched: LaunchedBrowser;
  readonly opened: OpenedEngine;
  /** Rejects when the browser, the page or the device is gone. */
  readonly failure: Promise<never>;
  readonly #page: Page;
  readonly #server: AssetServer;
  readonly #link: PageLink;
  #runs = 0;

  constructor(launched: LaunchedBrowser, server: AssetServer, page: Page, link: PageLink, opened: OpenedEngine) {
    this.launched = launched;
    this.opened = opened;
    this.failure = link.failure;
    this.#page = page;
    this.#server = server;
    this.#link = link;
  }

  /** Whether a run can still take place here. */
  get alive(): boolean {
    return this.#link.failed === undefined;
  }

  /**
   * Starts a run in the page.
   * @param onEvents is given the events in order; an empty list says that the run is alive
   * @returns when the run is over
   * @throws ThawError the run's own error, or why the page was lost
   */
  async run(
    {
      weightsAt,
      cache,
      profile,
      ...served
    }: Omit<ServedRun, "id"> & Pick<RunRequest, "cache" | "profile"> & { readonly weightsAt?: readonly number[] },
    environment: Environment,
    signal: AbortSignal | undefined,
    onEvents: (events: readonly RunEvent[]) => void,
  ): Promise<void> {
    await this.#work(
      signal,
      (message) => {
        if (message.type === "events") onEvents(message.events);
      },
      async (run) => {
        const stopServing = this.#server.serve({ ...served, id: run });
        try {
          const exportsWeights = served.exportWeights !== undefined;
          const trace = weightsAt === undefined ? {} : { traceWeightsAt: weightsAt };
          const { checkpoint } = served;
          const asked = {
            ...(cache === undefined ? {} : { cache }),
            ...(profile === undefined ? {} : { profile }),
            ...(checkpoint === undefined ? {} : { checkpoint: { everyMs: checkpoint.everyMs, by: checkpoint.by } }),
          };
          await this.#link.guard(callPage(this.#page, "run", { run, environment, exportsWeights, ...asked, ...trace }));
        } finally {
          stopServing();
        }
      },
    );
  }

  /**
   * Judges the engine's operations by rung L1, in the page.
   * @param onVerdict is given the verdicts as they come
   */
  async judge(
    suite: OpSuite,
    start: OpStart,
    signal: AbortSignal | undefined,
    onVerdict: (verdict: OpVerdict) => void,
  ): Promise<void> {
    await this.#work(
      signal,
      (message) => {
        if (message.type === "verdict") onVerdict(message.verdict);
      },
      (run) => this.#link.guard(callPage(this.#page, "judge", { run, suite, start })),
    );
  }

  /** Has the page work on something that reports and can be cancelled. */
  async #work(
    signal: AbortSignal | undefined,
    listener: (message: PageReport) => void,
    start: (run: number) => Promise<unknown>,
  ): Promise<void> {
    this.#runs += 1;
    const run = this.#runs;
    this.#link.listeners.set(run, listener);
    const cancel = (): void => {
      callPage(this.#page, "cancel", run).catch(() => undefined); // a page that is gone needs no cancelling
    };
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      const work = start(run);
      if (signal?.aborted) cancel();
      await work;
    } finally {
      signal?.removeEventListener("abort", cancel);
      this.#link.listeners.delete(run);
    }
  }

  /** What the engine holds at this moment, in a run or between runs. */
  async memory(): Promise<PageMemory> {
    return await this.#link.guard(callPage(this.#page, "memory"));
  }

  /** For tests that take the page apart. */
  get page(): Page {
    return this.#page;
  }

  async close(): Promise<void> {
    this.#link.expectClose();
    await this.launched.close();
    await this.#server.close();
  }
}

async function tryOpen(
  gpu: "hardware" | "software",
  request: OpenRequest,
  port: number,
  endpoint: string | undefined,
): Promise<BrowserSession> {
  const server = await startServer(await pageFiles(), port);
  let launched: LaunchedBrowser | undefined;
  try {
    launched = await launchBrowser(gpu, endpoint);
    const page = await launched.browser.newPage();
    page.setDefaultTimeout(0); // training has its own watchdog
    const link = await linkPage(page, launched);
    await link.guard(page.goto(server.url, { timeout: OPEN_TIMEOUT_MS }));
    const timeout = new Promise<never>((_, reject) => {
      const late = new ThawError("engine-unavailable", `Engine "${request.engine}" did not open within a minute.`, {
        hint: "The graphics driver hangs; look at chrome://gpu in the same browser.",
      });
      setTimeout(() => reject(late), OPEN_TIMEOUT_MS).unref();
    });
    const opened = await Promise.race([link.guard(callPage(page, "open", request)), timeout]);
    return new BrowserSession(launched, server, page, link, opened);
  } catch (error) {
    await launched?.close();
    await server.close();
    throw error;
  }
}

/** Failures that another way to the GPU would not mend. */
const NO_GPU_MATTER: ReadonlySet<string> = new Set(["port-taken", "browser-missing", "browser-unreachable"]);

/** Engines that want a GPU. */
const ON_GPU: ReadonlySet<EngineName> = new Set(["webgpu", "webgl"]);

/**
 * Opens a browser with a page on one engine: with the GPU's own driver where there seems to be one, else emulated.
 * @param endpoint one of several Playwright servers
 * @throws ThawError `browser-missing`, `browser-failed`, `webgpu-unavailable`, `software-adapter`, `port-taken`, …
 */
export async function openSession(request: OpenRequest, port: number, endpoint?: string): Promise<BrowserSession> {
  const remote = browserEndpoints().length > 0;
  if (!ON_GPU.has(request.engine)) return await tryOpen("software", request, port, endpoint);
  if (remote || seemsToHaveGpu()) {
    try {
      const session = await tryOpen("hardware", request, port, endpoint);
      if (!session.opened.device.software || request.requireHardware) return session;
      await session.close(); // the driver's emulator may be a half-working one: take Chromium's own
    } catch (error) {
      if (request.requireHardware || NO_GPU_MATTER.has(serializeError(error).code)) throw error;
    }
  }
  return await tryOpen("software", request, port, endpoint);
}

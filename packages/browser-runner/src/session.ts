import {
  deserializeError,
  type Environment,
  type RunEvent,
  type SerializedError,
  serializeError,
  ThawError,
} from "@thaw/core";
import type { Page } from "playwright-core";
import { type AssetServer, type ServedRun, startServer } from "./asset-server.ts";
import { seemsToHaveGpu } from "./hardware.ts";
import { type LaunchedBrowser, launchBrowser } from "./launch.ts";
import {
  BINDING,
  type EngineName,
  type KernelVerdict,
  type OpenedEngine,
  type OpenRequest,
  type PageAnswer,
  type PageApi,
  type PageMemory,
  type PageMessage,
} from "./messages.ts";
import { pageFiles } from "./page-files.ts";

/** Opening an engine compiles nothing; a driver that takes longer hangs. */
const OPEN_TIMEOUT_MS = 60_000;
const LOG_LINES = 20;

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
    served: Omit<ServedRun, "id">,
    environment: Environment,
    signal: AbortSignal | undefined,
    onEvents: (events: readonly RunEvent[]) => void,
  ): Promise<void> {
    this.#runs += 1;
    const run = this.#runs;
    const stopServing = this.#server.serve({ ...served, id: run });
    this.#link.listeners.set(run, onEvents);
    const cancel = (): void => {
      callPage(this.#page, "cancel", run).catch(() => undefined); // a page that is gone needs no cancelling
    };
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      const exportsWeights = served.exportWeights !== undefined;
      const work = callPage(this.#page, "run", { run, environment, exportsWeights });
      if (signal?.aborted) cancel();
      await this.#link.guard(work);
    } finally {
      signal?.removeEventListener("abort", cancel);
      this.#link.listeners.delete(run);
      stopServing();
    }
  }

  /** What the engine holds at this moment, in a run or between runs. */
  async memory(): Promise<PageMemory> {
    return await this.#link.guard(callPage(this.#page, "memory"));
  }

  /** Judges the engine's kernels by rung L1, in the page. */
  async checkKernels(): Promise<readonly KernelVerdict[]> {
    return await this.#link.guard(callPage(this.#page, "checkKernels"));
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

/** What is known of a page between calls: what it says, and whether it is still there. */
interface PageLink {
  readonly failure: Promise<never>;
  readonly listeners: Map<number, (events: readonly RunEvent[]) => void>;
  readonly failed: ThawError | undefined;
  /** Waits for work unless the page is lost first. */
  guard<T>(work: Promise<T>): Promise<T>;
  expectClose(): void;
}

function lost(code: string, what: string, log: readonly string[]): ThawError {
  return new ThawError(code, what, {
    hint: "The next cell starts a fresh browser. If it recurs, use a smaller batchSize or imageSize: memory is the usual cause.",
    details: { stderr: log.join("\n") },
  });
}

async function linkPage(page: Page, { browser }: LaunchedBrowser): Promise<PageLink> {
  const listeners: PageLink["listeners"] = new Map();
  const log: string[] = [];
  let failed: ThawError | undefined;
  let closing = false;
  let reject: (error: ThawError) => void = () => undefined;
  const failure = new Promise<never>((_, rejectPromise) => {
    reject = rejectPromise;
  });
  failure.catch(() => undefined); // seen by whoever races against it
  const fail = (error: ThawError): void => {
    if (closing || failed !== undefined) return;
    failed = error;
    reject(error);
  };
  page.on("console", (message) => {
    log.push(`${message.type()}: ${message.text()}`);
    if (log.length > LOG_LINES) log.shift();
  });
  page.on("pageerror", (error) => log.push(`error: ${error.message}`));
  page.on("crash", () => fail(lost("page-crashed", "The browser's page crashed.", log)));
  browser.on("disconnected", () => fail(lost("browser-lost", "The browser ended in the middle of its work.", log)));
  page.on("close", () => {
    // A browser that ends closes its pages first: wait a moment to name the real cause.
    setTimeout(() => fail(lost("page-closed", "The browser's page was closed.", log)), 300);
  });
  await page.exposeFunction(BINDING, (message: PageMessage) => {
    if (message.type === "failure") fail(deserializeError(message.error));
    else listeners.get(message.run)?.(message.events);
  });
  return {
    failure,
    listeners,
    get failed() {
      return failed;
    },
    async guard(work) {
      try {
        return await Promise.race([work, failure]);
      } catch (error) {
        if (error instanceof ThawError) throw error;
        // Playwright's call fails at once when its page goes; the event that says why comes a moment later.
        await Promise.race([failure, new Promise((resolve) => setTimeout(resolve, 1000))]);
        throw new ThawError("page-failed", `The page failed: ${serializeError(error).message.split("\n")[0]}`, {
          hint: "This is a fault of the runner; report it with this text.",
          details: { stderr: log.join("\n") },
        });
      }
    },
    expectClose() {
      closing = true;
    },
  };
}

/** Calls a function of the page; its errors come back as ThawErrors. */
async function callPage<K extends keyof PageApi>(
  page: Page,
  name: K,
  ...args: Parameters<PageApi[K]>
): Promise<Awaited<ReturnType<PageApi[K]>> extends PageAnswer<infer T> ? T : never> {
  const answer = await page.evaluate(
    async ([method, values]) => {
      const { thaw } = globalThis as unknown as { thaw: Record<string, (...given: unknown[]) => Promise<unknown>> };
      return await thaw[method]?.(...values);
    },
    [name as string, args as unknown[]] as const,
  );
  const { ok, value, error } = answer as { ok: boolean; value: never; error: SerializedError };
  if (!ok) throw deserializeError(error);
  return value;
}

async function tryOpen(gpu: "hardware" | "software", request: OpenRequest, port: number): Promise<BrowserSession> {
  const server = await startServer(await pageFiles(), port);
  let launched: LaunchedBrowser | undefined;
  try {
    launched = await launchBrowser(gpu);
    const page = await launched.browser.newPage();
    page.setDefaultTimeout(0); // training has its own watchdog
    const link = await linkPage(page, launched);
    await page.goto(server.url, { timeout: OPEN_TIMEOUT_MS });
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
 * @throws ThawError `browser-missing`, `browser-failed`, `webgpu-unavailable`, `software-adapter`, `port-taken`, …
 */
export async function openSession(request: OpenRequest, port: number): Promise<BrowserSession> {
  const remote = Boolean(process.env.THAW_BROWSER_WS);
  if (!ON_GPU.has(request.engine)) return await tryOpen("software", request, port);
  if (remote || seemsToHaveGpu()) {
    try {
      const session = await tryOpen("hardware", request, port);
      if (!session.opened.device.software || request.requireHardware) return session;
      await session.close(); // the driver's emulator may be a half-working one: take Chromium's own
    } catch (error) {
      if (request.requireHardware || NO_GPU_MATTER.has(serializeError(error).code)) throw error;
    }
  }
  return await tryOpen("software", request, port);
}

import { deserializeError, type SerializedError, serializeError, ThawError } from "@thaw/core";
import { withoutToken } from "@thaw/runner-kit";
import type { Page } from "playwright-core";
import type { LaunchedBrowser } from "./launch.ts";
import { BINDING, type PageAnswer, type PageApi, type PageMessage } from "./messages.ts";

const LOG_LINES = 20;

/** What the page says of one run or suite. */
export type PageReport = Exclude<PageMessage, { readonly type: "failure" }>;

/** What is known of a page between calls: what it says, and whether it is still there. */
export interface PageLink {
  readonly failure: Promise<never>;
  readonly listeners: Map<number, (message: PageReport) => void>;
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

/** An error of the page. Its stack names the page's address, which nobody else is to know. */
function errorOf(error: SerializedError): ThawError {
  return deserializeError(JSON.parse(withoutToken(JSON.stringify(error))) as SerializedError);
}

/** Listens to a page: its messages, its console, its end. */
export async function linkPage(page: Page, { browser }: LaunchedBrowser): Promise<PageLink> {
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
    log.push(withoutToken(`${message.type()}: ${message.text()}`));
    if (log.length > LOG_LINES) log.shift();
  });
  page.on("pageerror", (error) => log.push(withoutToken(`error: ${error.message}`)));
  page.on("crash", () => fail(lost("page-crashed", "The browser's page crashed.", log)));
  browser.on("disconnected", () => fail(lost("browser-lost", "The browser ended in the middle of its work.", log)));
  page.on("close", () => {
    // A browser that ends closes its pages first: wait a moment to name the real cause.
    setTimeout(() => fail(lost("page-closed", "The browser's page was closed.", log)), 300);
  });
  await page.exposeFunction(BINDING, (message: PageMessage) => {
    if (message.type === "failure") fail(errorOf(message.error));
    else listeners.get(message.run)?.(message);
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
        throw new ThawError(
          "page-failed",
          `The page failed: ${withoutToken(serializeError(error).message.split("\n")[0] ?? "")}`,
          {
            hint: "This is a fault of the runner; report it with this text.",
            details: { stderr: log.join("\n") },
          },
        );
      }
    },
    expectClose() {
      closing = true;
    },
  };
}

/** Calls a function of the page; its errors come back as ThawErrors. */
export async function callPage<K extends keyof PageApi>(
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
  if (!ok) throw errorOf(error);
  return value;
}

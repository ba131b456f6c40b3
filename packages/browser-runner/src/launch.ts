import { serializeError, ThawError } from "@thaw/core";
import { type Browser, chromium } from "playwright-core";
import { chromiumFlags } from "./chromium-flags.ts";
import { findChromium } from "./locate-chromium.ts";

/** A browser that runs, and how it came to. */
export interface LaunchedBrowser {
  readonly browser: Browser;
  /** The flags given, or none for a browser that somebody else started. */
  readonly flags: readonly string[];
  readonly executable: string;
  readonly remote: boolean;
}

/** Chromium takes a second; a machine under load, ten. */
const LAUNCH_TIMEOUT_MS = 60_000;

/**
 * Connects to a Playwright server on another machine; the loopback of this one is tunnelled to it, so that its page
 * reaches our server.
 * @param endpoint `ws://…`, from `THAW_BROWSER_WS`
 * @throws ThawError `browser-unreachable`
 */
async function connect(endpoint: string): Promise<LaunchedBrowser> {
  try {
    const browser = await chromium.connect(endpoint, { exposeNetwork: "<loopback>", timeout: LAUNCH_TIMEOUT_MS });
    return { browser, flags: [], executable: endpoint, remote: true };
  } catch (error) {
    const { message } = serializeError(error);
    throw new ThawError("browser-unreachable", `No browser server answers at ${endpoint}: ${message.split("\n")[0]}`, {
      hint: "Start one there with `npx playwright run-server`, of this Playwright's version, or unset THAW_BROWSER_WS.",
      cause: error,
    });
  }
}

/**
 * Starts Chromium without a window, or connects to one.
 * @param gpu whether Chromium is to use the GPU's driver or to emulate a GPU
 * @throws ThawError `browser-missing`, `browser-failed`, `browser-unreachable`
 */
export async function launchBrowser(
  gpu: "hardware" | "software",
  env: NodeJS.ProcessEnv = process.env,
): Promise<LaunchedBrowser> {
  if (env.THAW_BROWSER_WS) return await connect(env.THAW_BROWSER_WS);
  const { path } = await findChromium(env);
  const flags = chromiumFlags({ platform: process.platform, isRoot: process.getuid?.() === 0, gpu });
  try {
    const browser = await chromium.launch({
      executablePath: path,
      headless: true,
      args: flags,
      // The runner decides what a signal means: it cancels, waits and closes.
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
      timeout: LAUNCH_TIMEOUT_MS,
    });
    return { browser, flags, executable: path, remote: false };
  } catch (error) {
    const { message } = serializeError(error);
    throw new ThawError("browser-failed", `${path} did not start: ${message.split("\n")[0]}`, {
      hint: "Start it by hand to see why; in a container it may lack libraries or shared memory.",
      details: { stderr: message.split("\n").slice(0, 30).join("\n") },
      cause: error,
    });
  }
}

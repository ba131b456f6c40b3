import { randomUUID } from "node:crypto";
import { serializeError, ThawError } from "@thaw/core";
import { descendantsOf, isAlive, type ProcessInfo, programEnvironment } from "@thaw/runner-kit";
import { type Browser, chromium } from "playwright-core";
import { chromiumFlags } from "./chromium-flags.ts";
import { browserEndpoints, placeOf } from "./endpoints.ts";
import { findChromium } from "./locate-chromium.ts";

/** A browser that runs, and how it came to. */
export interface LaunchedBrowser {
  readonly browser: Browser;
  /** The flags given, or none for a browser that somebody else started. */
  readonly flags: readonly string[];
  readonly executable: string;
  readonly remote: boolean;
  /** Resident bytes of all its processes, or null where they cannot be seen. */
  rssBytes(): number | null;
  /** Closes it, and kills what does not go by itself. */
  close(): Promise<void>;
}

/** Chromium takes a second; a machine under load, ten. */
const LAUNCH_TIMEOUT_MS = 60_000;
/** How long a browser gets to close by itself. */
const CLOSE_TIMEOUT_MS = 5000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The processes of the browser that alone was started with an argument. */
function processesOf(mark: string): readonly ProcessInfo[] {
  const main = descendantsOf(process.pid).filter(({ command }) => command.includes(mark));
  return main.flatMap((entry) => [entry, ...descendantsOf(entry.pid)]);
}

function rssBytesOf(processes: readonly ProcessInfo[]): number | null {
  return processes.length === 0 ? null : processes.reduce((sum, { rssBytes }) => sum + rssBytes, 0);
}

/**
 * Closes a browser and makes sure that none of its processes is left: one that hangs or was stopped does not see that
 * the others have gone.
 */
async function closeLocal(browser: Browser, processes: readonly ProcessInfo[]): Promise<void> {
  await Promise.race([browser.close().catch(() => undefined), pause(CLOSE_TIMEOUT_MS)]);
  let left = processes.filter(isAlive);
  for (let waited = 0; left.length > 0 && waited < 1000; waited += 50) {
    await pause(50);
    left = left.filter(isAlive);
  }
  for (const { pid } of left) process.kill(pid, "SIGKILL");
}

/**
 * Connects to a Playwright server on another machine; the loopback of this one is tunnelled to it, so that its page
 * reaches our server.
 * @param endpoint `ws://…`, from `THAW_BROWSER_WS`
 * @throws ThawError `browser-unreachable`
 */
async function connect(endpoint: string, gpu: "hardware" | "software"): Promise<LaunchedBrowser> {
  // What a server that starts a browser for each client is asked for; one that serves its own browser passes over it.
  // Full Chromium: Playwright's headless shell has no WebGPU to rely on.
  const args = chromiumFlags({ platform: "linux", isRoot: false, gpu });
  const headers = { "x-playwright-launch-options": JSON.stringify({ channel: "chromium", headless: true, args }) };
  try {
    const options = { exposeNetwork: "<loopback>", timeout: LAUNCH_TIMEOUT_MS, headers };
    const browser = await chromium.connect(endpoint, options);
    const close = async (): Promise<void> => {
      await Promise.race([browser.close().catch(() => undefined), pause(CLOSE_TIMEOUT_MS)]);
    };
    return { browser, flags: [], executable: placeOf(endpoint), remote: true, rssBytes: () => null, close };
  } catch (error) {
    const [reason = ""] = serializeError(error).message.split("\n");
    // Playwright puts the address into its message, in a spelling of its own.
    const told = reason.replace(/\bwss?:\/\/\S+/g, placeOf).replaceAll(endpoint, "");
    throw new ThawError("browser-unreachable", `No browser server answers at ${placeOf(endpoint)}: ${told}`, {
      hint: "Start one there with `npx playwright run-server`, of this Playwright's version, or unset THAW_BROWSER_WS.",
      cause: error,
    });
  }
}

/**
 * Starts Chromium without a window, or connects to one.
 * @param gpu whether Chromium is to use the GPU's driver or to emulate a GPU
 * @param endpoint Playwright server to connect to; the first that `THAW_BROWSER_WS` names without it
 * @throws ThawError `browser-missing`, `browser-failed`, `browser-unreachable`
 */
export async function launchBrowser(
  gpu: "hardware" | "software",
  endpoint?: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<LaunchedBrowser> {
  const server = endpoint ?? browserEndpoints(env)[0];
  if (server !== undefined) return await connect(server, gpu);
  const { path } = await findChromium(env);
  const flags = chromiumFlags({ platform: process.platform, isRoot: process.getuid?.() === 0, gpu });
  const mark = `--thaw-session=${randomUUID()}`; // Chromium passes over what it does not know
  try {
    const browser = await chromium.launch({
      executablePath: path,
      headless: true,
      env: programEnvironment(env),
      args: [...flags, mark],
      // The runner decides what a signal means: it cancels, waits and closes.
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
      timeout: LAUNCH_TIMEOUT_MS,
    });
    return {
      browser,
      flags,
      executable: path,
      remote: false,
      rssBytes: () => rssBytesOf(processesOf(mark)),
      close: () => closeLocal(browser, processesOf(mark)),
    };
  } catch (error) {
    const { message } = serializeError(error);
    throw new ThawError("browser-failed", `${path} did not start: ${message.split("\n")[0]}`, {
      hint: "Start it by hand to see why; in a container it may lack libraries or shared memory.",
      details: { stderr: message.split("\n").slice(0, 30).join("\n") },
      cause: error,
    });
  }
}

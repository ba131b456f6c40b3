import { ThawError } from "@thaw/core";
import { sha256 } from "./sha256.ts";

/** How far a download has come. */
export interface DownloadProgress {
  /** File name that a person recognises. */
  readonly name: string;
  readonly receivedBytes: number;
  /** What the server announced, or null. */
  readonly totalBytes: number | null;
}

/** What a download must be to be accepted. */
export interface DownloadOptions {
  readonly name: string;
  readonly maxBytes: number;
  /** Exact size, where it is known. */
  readonly bytes?: number;
  /** Exact hash, where it is known. */
  readonly sha256?: string;
  /** A connection without data for so long is given up. */
  readonly stallMs?: number;
  readonly onProgress?: (progress: DownloadProgress) => void;
}

/** A mirror may send on to a store, and that to its nearest copy. */
const MOST_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** An address as a message may show it: without a user, a password, or what lets one in behind a `?`. */
export function shownUrl(url: string): string {
  if (!URL.canParse(url)) return "an address that is none";
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

function failed(options: DownloadOptions, url: string, reason: string, cause?: unknown): ThawError {
  return new ThawError("download-failed", `Downloading ${options.name} from ${shownUrl(url)} failed: ${reason}.`, {
    hint: `Check the network, or fetch the file by other means and put it into a folder named in THAW_ASSETS.`,
    details: { url: shownUrl(url), name: options.name },
    ...(cause === undefined ? {} : { cause }),
  });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` (${error.cause.message || error.cause.name})` : "";
  return `${error.message}${cause}`;
}

/** Nobody on the way can read or change what comes over https, nor what stays on this machine. */
function isSafe({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || (protocol === "http:" && LOOPBACK.test(hostname));
}

/** Credentials of an address go into a header, and with a redirect no further than the server that they are for. */
function authorization({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === "" && password === "") return {};
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(text).toString("base64")}` };
}

/** Follows redirects by hand: `fetch` would go from https to http without a word. */
async function open(url: string, options: DownloadOptions, signal: AbortSignal): Promise<Response> {
  if (!URL.canParse(url)) throw failed(options, url, "no address");
  const start = new URL(url);
  const headers = authorization(start);
  let at = start;
  for (let hops = 0; hops <= MOST_REDIRECTS; hops += 1) {
    if (!isSafe(at)) throw failed(options, url, `${shownUrl(at.href)} is not https`);
    if (!LOOPBACK.test(start.hostname) && LOOPBACK.test(at.hostname)) {
      throw failed(options, url, "the server sends on to this machine itself");
    }
    const bare = new URL(at);
    bare.username = "";
    bare.password = "";
    const response = await fetch(bare.href, {
      signal,
      redirect: "manual",
      headers: at.origin === start.origin ? headers : {},
    });
    const location = response.headers.get("location");
    if (!REDIRECTS.has(response.status) || location === null) return response;
    await response.body?.cancel();
    if (!URL.canParse(location, at.href)) throw failed(options, url, "the server sends on to no address");
    at = new URL(location, at.href);
  }
  throw failed(options, url, `the server sends on more than ${MOST_REDIRECTS} times`);
}

async function readBody(
  response: Response,
  url: string,
  options: DownloadOptions,
  alive: () => void,
): Promise<Uint8Array> {
  // A content-encoding makes content-length the packed size, which is not what is received here.
  const announced = response.headers.get("content-encoding") ? null : response.headers.get("content-length");
  const totalBytes = announced === null ? null : Number(announced);
  const limit = options.bytes ?? options.maxBytes;
  if (totalBytes !== null && totalBytes > limit) {
    throw failed(options, url, `the server announces ${totalBytes} bytes, at most ${limit} are expected`);
  }
  const chunks: Uint8Array[] = [];
  let receivedBytes = 0;
  if (response.body !== null) {
    for await (const chunk of response.body) {
      alive();
      receivedBytes += chunk.byteLength;
      if (receivedBytes > limit) throw failed(options, url, `more than the expected ${limit} bytes came`);
      chunks.push(chunk);
      options.onProgress?.({ name: options.name, receivedBytes, totalBytes });
    }
  }
  const expected = options.bytes ?? totalBytes;
  if (expected !== null && receivedBytes !== expected) {
    throw failed(options, url, `it ended after ${receivedBytes} of ${expected} bytes`);
  }
  return Buffer.concat(chunks, receivedBytes);
}

/**
 * Fetches a file into memory, over https alone (or from this machine itself), redirects included; nothing is written, so an interrupted download leaves nothing behind.
 * @throws ThawError `download-failed` (no https, network, HTTP status, size, an HTML page in place of the file), `hash-mismatch`
 */
export async function downloadBytes(url: string, options: DownloadOptions): Promise<Uint8Array> {
  const stalled = new AbortController();
  const stallMs = options.stallMs ?? 30_000;
  let timer: NodeJS.Timeout | undefined;
  const alive = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => stalled.abort(new Error(`no data for ${stallMs / 1000} s`)), stallMs);
  };
  alive();
  let bytes: Uint8Array;
  try {
    const response = await open(url, options, stalled.signal);
    if (!response.ok)
      throw failed(options, url, `the server answered ${response.status} ${response.statusText}`.trim());
    if (/^text\/html/i.test(response.headers.get("content-type") ?? "")) {
      throw failed(options, url, "the server sent an HTML page in place of the file");
    }
    bytes = await readBody(response, url, options, alive);
  } catch (error) {
    if (error instanceof ThawError) throw error;
    throw failed(options, url, reasonOf(stalled.signal.aborted ? stalled.signal.reason : error), error);
  } finally {
    clearTimeout(timer);
  }
  const found = sha256(bytes);
  if (options.sha256 !== undefined && found !== options.sha256) {
    throw new ThawError(
      "hash-mismatch",
      `${options.name} from ${shownUrl(url)} has SHA-256 ${found}, expected ${options.sha256}.`,
      {
        hint: "The file on the server is not the one that was expected, or was changed on the way; nothing was kept.",
        details: { url: shownUrl(url), expected: options.sha256, found },
      },
    );
  }
  return bytes;
}

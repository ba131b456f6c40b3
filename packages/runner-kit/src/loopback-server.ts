import { randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ThawError } from "@thaw/core";

/** A server that this machine alone can reach. */
export interface LoopbackServer {
  /** Its address, with the token that every path starts with. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Answers one request.
 * @param rest the path after the token, without a slash before it
 */
export type Answer = (request: IncomingMessage, response: ServerResponse, rest: string) => Promise<void>;

/** What every answer says, refusals too. */
export type AnswerHeaders = Readonly<Record<string, string>>;

/** Nothing is kept, guessed, framed, run or told to others. A page brings a policy of its own. */
export const PRIVATE_HEADERS: AnswerHeaders = {
  "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cache-Control": "no-store",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/** A request line with headers has to come within so long, and headers are so long: ours are short. */
const HEADERS_MS = 10_000;
const MOST_HEADER_BYTES = 8192;
/** A gigabyte of weights takes less on the slowest tunnel that is of use. */
const REQUEST_MS = 300_000;
/** A page has some ten open at once. Strangers that only connect do not take all descriptors of this process. */
const MOST_CONNECTIONS = 256;

/** Ends an answer without content. What else the caller sends is not read: the connection ends. */
export function refuse(response: ServerResponse, status: number, headers: AnswerHeaders): void {
  response.writeHead(status, status < 400 ? headers : { ...headers, Connection: "close" }).end();
}

/** Whether two texts are the same, in a time that does not tell how far they are. */
function sameText(given: string, secret: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(secret)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** The one value of a header, or undefined where there is none; null where there are several. */
function onlyValue(request: IncomingMessage, name: string): string | undefined | null {
  const values = request.headersDistinct[name] ?? [];
  return values.length > 1 ? null : values[0];
}

/**
 * Whether a browser says that a page of ours asks, or that the user opens the address. Who is no browser says nothing,
 * and has the token.
 */
function isOwnSite(request: IncomingMessage): boolean {
  const site = onlyValue(request, "sec-fetch-site");
  if (site === undefined || site === "same-origin" || site === "none") return true;
  const isOpened = onlyValue(request, "sec-fetch-mode") === "navigate" && request.method === "GET";
  return isOpened && onlyValue(request, "sec-fetch-dest") === "document"; // a link in a terminal that is a page
}

/** A text that may name a page of ours, as stacks and consoles do, without the token in its address. */
export function withoutToken(text: string): string {
  return text.replace(/(https?:\/\/127\.0\.0\.1:\d+\/)[0-9a-f]{48}\//g, "$1…/");
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const taken = error.code === "EADDRINUSE";
      reject(
        new ThawError(
          taken ? "port-taken" : "server-failed",
          `The page's server cannot use port ${port}: ${error.message}`,
          {
            hint: taken
              ? "Leave the setting port out: the system then gives a free one."
              : "Check the loopback interface.",
          },
        ),
      );
    });
    server.listen(port, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

/**
 * Starts a server on the loopback interface that answers only who knows its token and comes from its own page: a page of
 * another site that guessed the port has another Host (DNS rebinding), another Origin or another site.
 * @param port 0 for any that is free
 * @param headers of refusals
 * @throws ThawError `port-taken`, `server-failed`
 */
export async function startLoopbackServer(
  answer: Answer,
  headers: AnswerHeaders,
  port: number,
): Promise<LoopbackServer> {
  const prefix = `/${randomBytes(24).toString("hex")}/`;
  let host = "";
  const isOwn = (request: IncomingMessage): boolean => {
    const origin = onlyValue(request, "origin");
    return (
      sameText((request.url ?? "").slice(0, prefix.length), prefix) &&
      onlyValue(request, "host") === host &&
      (origin === undefined || origin === `http://${host}`) &&
      request.headers.upgrade === undefined &&
      isOwnSite(request)
    );
  };
  const limits = {
    headersTimeout: HEADERS_MS,
    requestTimeout: REQUEST_MS,
    connectionsCheckingInterval: 1000,
    maxHeaderSize: MOST_HEADER_BYTES,
  };
  const server = createServer(limits, (request, response) => {
    if (!isOwn(request)) return refuse(response, 404, headers);
    answer(request, response, (request.url ?? "").slice(prefix.length)).catch(() => {
      if (response.headersSent) response.destroy();
      else refuse(response, 500, headers);
    });
  });
  server.maxConnections = MOST_CONNECTIONS;
  host = `127.0.0.1:${await listen(server, port)}`;
  return {
    url: `http://${host}${prefix}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

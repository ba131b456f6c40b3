import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { LIVE_SCRIPT, livePage } from "@thaw/report";
import { PRIVATE_HEADERS, refuse, startLoopbackServer } from "@thaw/runner-kit";
import { VERSION } from "../version.ts";
import type { LiveBoard, LiveMessage } from "./live-board.ts";

/** A page that watches a sweep. */
export interface LiveServer {
  /** With the token that nobody else knows. */
  readonly url: string;
  /** Sends everything that is left, and closes. */
  close(): Promise<void>;
}

/** A browser comes back after so long when the connection breaks. */
const RETRY_MS = 1000;
/** A page that does not read what it is sent must not keep the process. */
const DRAIN_MS = 3000;

function send(response: ServerResponse, { name, data }: LiveMessage): void {
  response.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}

/** Sends a page what is, and then what comes, until it goes away. */
async function stream(response: ServerResponse, board: LiveBoard, open: Set<ServerResponse>): Promise<void> {
  response.writeHead(200, { ...PRIVATE_HEADERS, "Content-Type": "text/event-stream; charset=utf-8" });
  response.write(`retry: ${RETRY_MS}\n\n`);
  send(response, await board.snapshot());
  const stop = board.listen((message) => send(response, message));
  open.add(response);
  response.on("close", () => {
    stop();
    open.delete(response);
  });
}

function give(response: ServerResponse, type: string, text: string, more: Readonly<Record<string, string>> = {}): void {
  response.writeHead(200, { ...PRIVATE_HEADERS, "Content-Type": `${type}; charset=utf-8`, ...more }).end(text);
}

/** Browsers say with every post where from, and the server has looked who it is: who says nothing is no page. */
function isFromPage({ headers }: IncomingMessage): boolean {
  return headers.origin !== undefined;
}

/**
 * Serves the live page on the loopback interface, on a port of the system's choice.
 * @param title what the sweep is called
 * @throws ThawError `server-failed`
 */
export async function startLiveServer(board: LiveBoard, title: string): Promise<LiveServer> {
  const page = await livePage(title, VERSION);
  const open = new Set<ServerResponse>();
  const server = await startLoopbackServer(
    async (request, response, rest) => {
      const cancelled = request.method === "POST" ? /^cells\/(c\d{1,9})\/cancel$/.exec(rest)?.[1] : undefined;
      if (cancelled !== undefined) {
        if (!isFromPage(request)) return refuse(response, 403, PRIVATE_HEADERS);
        return refuse(response, board.cancel(cancelled) ? 204 : 409, PRIVATE_HEADERS);
      }
      if (request.method !== "GET") return refuse(response, 405, PRIVATE_HEADERS);
      if (rest === "") return give(response, "text/html", page.text, { "Content-Security-Policy": page.policy });
      if (rest === "live.js") return give(response, "text/javascript", LIVE_SCRIPT);
      if (rest === "events") return stream(response, board, open);
      refuse(response, 404, PRIVATE_HEADERS);
    },
    PRIVATE_HEADERS,
    0,
  );
  return {
    url: server.url,
    async close() {
      const ends = [...open].map((response) => new Promise<void>((resolve) => response.end(resolve)));
      await Promise.race([Promise.all(ends), pause(DRAIN_MS, undefined, { ref: false })]);
      await server.close();
    },
  };
}

import { randomBytes } from "node:crypto";
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

/** What every answer says, refusals too: nothing is kept, guessed, framed or told to others. */
export type AnswerHeaders = Readonly<Record<string, string>>;

export const PRIVATE_HEADERS: AnswerHeaders = {
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cache-Control": "no-store",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/** Ends an answer without content. */
export function refuse(response: ServerResponse, status: number, headers: AnswerHeaders): void {
  response.writeHead(status, headers).end();
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
 * another site that guessed the port has another Host (DNS rebinding) or another Origin.
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
  const isOwn = ({ headers: { host: asked, origin }, url = "" }: IncomingMessage): boolean =>
    asked === host && url.startsWith(prefix) && (origin === undefined || origin === `http://${host}`);
  const server = createServer((request, response) => {
    if (!isOwn(request)) return refuse(response, 404, headers);
    answer(request, response, (request.url ?? "").slice(prefix.length)).catch(() => {
      if (response.headersSent) response.destroy();
      else refuse(response, 500, headers);
    });
  });
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

import { createServer, type IncomingHttpHeaders, request } from "node:http";

/** What a proxy does with a request: pass it on (and perhaps not the answer), hang up, or answer itself. */
export type Verdict = "pass" | "lose the answer" | "hang up" | { readonly status: number; readonly text: string };

/** A proxy on loopback, as stands before a server that asks who one is, or that fails now and then. */
export interface FrontDoor {
  readonly url: string;
  close(): Promise<void>;
}

/** @param judge is asked about every request */
export async function openFrontDoor(
  target: string,
  judge: (path: string, headers: IncomingHttpHeaders) => Verdict,
): Promise<FrontDoor> {
  const server = createServer((incoming, answer) => {
    const verdict = judge(incoming.url ?? "", incoming.headers);
    if (verdict === "hang up") {
      incoming.socket.destroy();
      return;
    }
    if (typeof verdict === "object") {
      incoming.resume();
      answer.writeHead(verdict.status).end(verdict.text);
      return;
    }
    const { host: _host, ...headers } = incoming.headers;
    const onward = request(`${target}${incoming.url}`, { method: incoming.method, headers }, (response) => {
      if (verdict === "lose the answer") {
        response.resume().on("end", () => incoming.socket.destroy());
        return;
      }
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    onward.on("error", () => incoming.socket.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

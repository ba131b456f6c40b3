import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LoopbackServer, PRIVATE_HEADERS, startLoopbackServer } from "../src/loopback-server.ts";

let server: LoopbackServer;
let port: number;
let token: string;
const reached: string[] = [];
beforeAll(async () => {
  server = await startLoopbackServer(
    async (_request, response, rest) => {
      reached.push(rest);
      response.writeHead(200, PRIVATE_HEADERS).end("secret");
    },
    PRIVATE_HEADERS,
    0,
  );
  const url = new URL(server.url);
  port = Number(url.port);
  token = url.pathname;
});
afterAll(() => server.close());

/** Sends bytes as they are, and gives all that comes back until the connection ends. */
function raw(text: string, host = "127.0.0.1"): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host, () => socket.write(text));
    let answer = "";
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      answer += chunk;
    });
    socket.on("error", reject).on("close", () => resolve(answer));
  });
}

/** `$` is the path with the token, `#` the host. */
const filled = (text: string): string => text.replaceAll("$", token).replaceAll("#", `127.0.0.1:${port}`);
const status = (answer: string): string => answer.split("\r\n")[0] ?? "";

describe("a loopback server and who knows its token", () => {
  it("gets an answer the plain way, in HTTP/1.1 and 1.0, and one that says nothing to others", async () => {
    const answer = await raw(filled("GET $a HTTP/1.1\r\nHost: #\r\nConnection: close\r\n\r\n"));
    expect(status(answer)).toBe("HTTP/1.1 200 OK");
    for (const line of [
      "Cache-Control: no-store",
      "Referrer-Policy: no-referrer",
      "X-Content-Type-Options: nosniff",
      "Cross-Origin-Resource-Policy: same-origin",
      "Cross-Origin-Opener-Policy: same-origin",
      "Content-Security-Policy: default-src 'none'",
    ]) {
      expect(answer).toContain(line);
    }
    expect(answer).not.toMatch(/^(Access-Control-|Server:|X-Powered-By:)/im);
    expect(status(await raw(filled("GET $b HTTP/1.0\r\nHost: #\r\n\r\n")))).toBe("HTTP/1.1 200 OK");
    expect(reached.splice(0)).toEqual(["a", "b"]);
  });

  it.each([
    ["no Host", "GET $ HTTP/1.1\r\nConnection: close\r\n\r\n"],
    ["no Host in HTTP/1.0", "GET $ HTTP/1.0\r\n\r\n"],
    ["two Hosts, the right one first", "GET $ HTTP/1.1\r\nHost: #\r\nHost: evil.example\r\n\r\n"],
    ["two Hosts, the right one last", "GET $ HTTP/1.1\r\nHost: evil.example\r\nHost: #\r\n\r\n"],
    ["two Origins", "GET $ HTTP/1.1\r\nHost: #\r\nOrigin: http://#\r\nOrigin: http://evil.example\r\n\r\n"],
    ["Origin null", "GET $ HTTP/1.1\r\nHost: #\r\nOrigin: null\r\n\r\n"],
    ["an Origin in https", "GET $ HTTP/1.1\r\nHost: #\r\nOrigin: https://#\r\n\r\n"],
    ["a Host with a dot behind", "GET $ HTTP/1.1\r\nHost: 127.0.0.1.:PORT\r\n\r\n"],
    ["localhost as Host", "GET $ HTTP/1.1\r\nHost: LocalHost:PORT\r\n\r\n"],
    ["an IPv6 Host", "GET $ HTTP/1.1\r\nHost: [::1]:PORT\r\n\r\n"],
    ["another spelling of the address", "GET $ HTTP/1.1\r\nHost: 127.1:PORT\r\n\r\n"],
    ["a Host with a user", "GET $ HTTP/1.1\r\nHost: u@127.0.0.1:PORT\r\n\r\n"],
    ["a Host without its port", "GET $ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"],
    ["a forwarded Host", "GET $ HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: #\r\n\r\n"],
    ["an absolute target", "GET http://#$ HTTP/1.1\r\nHost: #\r\n\r\n"],
    ["an absolute target of another host", "GET http://evil.example$ HTTP/1.1\r\nHost: #\r\n\r\n"],
    ["the token behind a second slash", "GET /$ HTTP/1.1\r\nHost: #\r\n\r\n"],
    ["the token in capitals", "GET CAPITALS HTTP/1.1\r\nHost: #\r\n\r\n"],
    ["an encoded token", "GET ENCODED HTTP/1.1\r\nHost: #\r\n\r\n"],
    ["half the token", "GET HALF HTTP/1.1\r\nHost: #\r\n\r\n"],
    [
      "a WebSocket",
      "GET $ HTTP/1.1\r\nHost: #\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    ],
    ["HTTP/2 asked for", "GET $ HTTP/1.1\r\nHost: #\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"],
    [
      "another site's picture",
      "GET $ HTTP/1.1\r\nHost: #\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n\r\n",
    ],
    [
      "another port's script",
      "GET $ HTTP/1.1\r\nHost: #\r\nSec-Fetch-Site: same-site\r\nSec-Fetch-Mode: no-cors\r\n\r\n",
    ],
    [
      "another site's frame",
      "GET $ HTTP/1.1\r\nHost: #\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n\r\n",
    ],
    [
      "another site's form",
      "POST $ HTTP/1.1\r\nHost: #\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nContent-Length: 0\r\n\r\n",
    ],
    ["CONNECT", "CONNECT 127.0.0.1:PORT HTTP/1.1\r\nHost: #\r\n\r\n"],
    ["a header of 20 KB", `GET $ HTTP/1.1\r\nHost: #\r\nX: ${"x".repeat(20_000)}\r\n\r\n`],
    ["an address of 20 KB", `GET $${"x".repeat(20_000)} HTTP/1.1\r\nHost: #\r\n\r\n`],
    ["two lengths", "POST $ HTTP/1.1\r\nHost: #\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"],
    [
      "a length and chunks",
      "POST $ HTTP/1.1\r\nHost: #\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["a NUL in the address", "GET $\0 HTTP/1.1\r\nHost: #\r\n\r\n"],
    ["no HTTP", "hello\r\n\r\n"],
  ])("gets nothing with %s, and the connection ends", async (_what, text) => {
    const given = text
      .replace("CAPITALS", token.toUpperCase())
      .replace("ENCODED", `/%${token.charCodeAt(1).toString(16)}${token.slice(2)}`)
      .replace("HALF", token.slice(0, 20))
      .replaceAll("PORT", String(port));
    const answer = await raw(filled(given));
    expect(status(answer)).toMatch(/^(HTTP\/1\.1 (400|404|414|431) .*|)$/);
    expect(answer).not.toContain("secret");
    expect(reached).toEqual([]);
  });

  it("answers a link that is followed from another page", async () => {
    const opened = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document";
    const answer = await raw(filled(`GET $ HTTP/1.1\r\nHost: #\r\n${opened}\r\nConnection: close\r\n\r\n`));
    expect(status(answer)).toBe("HTTP/1.1 200 OK");
    expect(reached.splice(0)).toEqual([""]);
  });

  it("is not there on the machine's other addresses", async () => {
    await expect(raw(filled("GET $ HTTP/1.1\r\nHost: #\r\n\r\n"), "::1")).rejects.toThrow(/ECONNREFUSED|EADDRNOTAVAIL/);
  });

  it("hangs up on who sends a header a byte at a time", async () => {
    const startedMs = performance.now();
    const ended = new Promise<void>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => socket.write(filled("GET $ HTTP/1.1\r\nHost: #\r\nX: ")));
      const drip = setInterval(() => socket.write("x"), 300);
      socket
        .on("error", () => undefined)
        .on("close", () => {
          clearInterval(drip);
          resolve();
        });
      socket.resume();
    });
    await ended;
    expect(performance.now() - startedMs).toBeLessThan(20_000);
    expect(reached).toEqual([]);
  });
});

import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LoopbackServer, PRIVATE_HEADERS, startLoopbackServer } from "../src/loopback-server.ts";

let server: LoopbackServer;
const asked: string[] = [];
beforeAll(async () => {
  server = await startLoopbackServer(
    async (_request, response, rest) => {
      asked.push(rest);
      if (rest === "broken") throw new Error("broken");
      response.writeHead(200).end("content");
    },
    PRIVATE_HEADERS,
    0,
  );
});
afterAll(() => server.close());

function ask(path: string, headers: Record<string, string> = {}): Promise<number> {
  const { hostname, port, host } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, path, headers: { host, ...headers } }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}

describe("startLoopbackServer", () => {
  it("answers who knows the token and is no other site's page", async () => {
    const { pathname, origin } = new URL(server.url);
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{48}\/$/);
    expect(await ask(`${pathname}a/b`)).toBe(200);
    expect(await ask(`${pathname}`, { origin })).toBe(200);
    expect(asked.splice(0)).toEqual(["a/b", ""]);
  });

  it.each([
    ["another token", `/${"0".repeat(48)}/`, {}],
    ["no token", "/", {}],
    ["another host", undefined, { host: "example.org" }],
    ["the host by another name", undefined, { host: "localhost" }],
    ["another origin", undefined, { origin: "http://example.org" }],
    ["an origin without a name", undefined, { origin: "null" }],
  ])("refuses %s and says nothing", async (_what, path, headers) => {
    expect(await ask(path ?? new URL(server.url).pathname, headers)).toBe(404);
    expect(asked).toEqual([]);
  });

  it("answers 500 where the answer fails, and goes on", async () => {
    const { pathname } = new URL(server.url);
    expect(await ask(`${pathname}broken`)).toBe(500);
    expect(await ask(pathname)).toBe(200);
  });

  it("says that a port is taken", async () => {
    const port = Number(new URL(server.url).port);
    await expect(startLoopbackServer(async () => undefined, PRIVATE_HEADERS, port)).rejects.toMatchObject({
      code: "port-taken",
    });
  });
});

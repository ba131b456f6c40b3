/// <reference lib="dom" />
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type LoopbackServer, PRIVATE_HEADERS, startLoopbackServer } from "@thaw/runner-kit";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { chromiumFlags } from "../src/chromium-flags.ts";
import { findChromium } from "../src/locate-chromium.ts";

/** A name that resolves to this machine, as one does after DNS rebinding. */
const REBOUND = "rebound.example";

let browser: Browser;
let ours: LoopbackServer;
let theirs: Server;
let port: number;
const reached: string[] = [];
beforeAll(async () => {
  const { path } = await findChromium();
  const flags = { platform: process.platform, isRoot: process.getuid?.() === 0, gpu: "software" } as const;
  const resolving = `--host-resolver-rules=MAP ${REBOUND} 127.0.0.1`;
  browser = await chromium.launch({ executablePath: path, args: [...chromiumFlags(flags), resolving] });
  ours = await startLoopbackServer(
    async (request, response, rest) => {
      reached.push(`${request.method} ${rest}`);
      const type = rest === "" ? "text/html" : "text/javascript";
      response.writeHead(200, { ...PRIVATE_HEADERS, "Content-Type": type }).end("globalThis.leaked = 'secret';");
    },
    PRIVATE_HEADERS,
    0,
  );
  theirs = createServer((_request, response) => {
    response.writeHead(200, { "Content-Type": "text/html", "Referrer-Policy": "unsafe-url" }).end("<!doctype html>");
  });
  await new Promise<void>((resolve) => theirs.listen(0, "127.0.0.1", resolve));
  port = (theirs.address() as AddressInfo).port;
});
beforeEach(() => void reached.splice(0));
afterAll(async () => {
  await browser.close();
  await ours.close();
  theirs.close();
});

type Attack = (url: string) => Promise<string>;
const ATTACKS: Readonly<Record<string, Attack>> = {
  fetch: async (url) => await (await fetch(`${url}fetch`)).text(),
  "fetch without CORS": async (url) => await (await fetch(`${url}opaque`, { mode: "no-cors" })).text(),
  "fetch with a preflight": async (url) =>
    await (await fetch(`${url}x`, { method: "PUT", headers: { "X-A": "1" } })).text(),
  "post without CORS": async (url) =>
    await (await fetch(`${url}cells/c1/cancel`, { method: "POST", mode: "no-cors", body: "x" })).text(),
  script: (url) =>
    new Promise((resolve) => {
      const end = (): void => resolve(String((globalThis as { leaked?: string }).leaked ?? ""));
      document.head.append(
        Object.assign(document.createElement("script"), { src: `${url}a.js`, onload: end, onerror: end }),
      );
    }),
  picture: (url) =>
    new Promise((resolve) => {
      Object.assign(new Image(), { src: `${url}a.png`, onload: () => resolve("secret"), onerror: () => resolve("") });
    }),
  frame: (url) =>
    new Promise((resolve) => {
      const frame = document.createElement("iframe");
      frame.onload = () => {
        let text = "";
        try {
          text = frame.contentDocument?.documentElement.textContent ?? "";
        } catch {
          // closed, as it should be
        }
        resolve(text);
      };
      frame.src = url;
      document.body.append(frame);
    }),
  "form in a frame": (url) =>
    new Promise((resolve) => {
      const frame = Object.assign(document.createElement("iframe"), { name: "target", onload: () => resolve("") });
      const form = Object.assign(document.createElement("form"), { method: "post", target: "target" });
      form.action = `${url}cells/c1/cancel`;
      document.body.append(frame, form);
      setTimeout(() => form.submit(), 100);
      setTimeout(() => resolve(""), 1000);
    }),
  beacon: async (url) => {
    navigator.sendBeacon(`${url}cells/c1/cancel`, "x");
    await new Promise((resolve) => setTimeout(resolve, 500));
    return "";
  },
  "event source": (url) =>
    new Promise((resolve) => {
      const source = new EventSource(`${url}events`);
      source.onopen = () => resolve("secret");
      source.onerror = () => resolve("");
    }),
  WebSocket: (url) =>
    new Promise((resolve) => {
      const socket = new WebSocket(url.replace("http", "ws"));
      socket.onopen = () => resolve("secret");
      socket.onerror = () => resolve("");
    }),
};

describe("a page of another origin that knows the token", () => {
  for (const host of ["127.0.0.1", "localhost", REBOUND]) {
    it.each(Object.keys(ATTACKS))(`on ${host} gets nothing by %s`, async (name) => {
      const page = await browser.newPage();
      await page.goto(`http://${host}:${port}/`);
      const attack = ATTACKS[name] as Attack;
      const got = await page.evaluate(`(${attack})(${JSON.stringify(ours.url)}).catch(() => "")`);
      await page.close();
      expect([got, reached]).toEqual(["", []]);
    });
  }

  it("gets nothing by the name that it has made its own", async () => {
    const page = await browser.newPage();
    const rebound = ours.url.replace("127.0.0.1", REBOUND);
    const answered = page.waitForResponse(rebound);
    await page.goto(rebound).catch(() => undefined); // Chromium shows an error page of its own
    expect([(await answered).status(), reached]).toEqual([404, []]);
    await page.close();
  });

  it("does not see the address in a referrer", async () => {
    const page = await browser.newPage();
    await page.goto(ours.url);
    expect(reached).toEqual(["GET "]);
    const asked = page.waitForRequest((request) => request.url().includes(String(port)));
    await page.evaluate((to) => void window.open(to, "_self"), `http://127.0.0.1:${port}/`);
    expect((await (await asked).allHeaders()).referer).toBeUndefined();
    await page.close();
  });
});

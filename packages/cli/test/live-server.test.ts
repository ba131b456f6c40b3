import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdtempSync } from "node:fs";
import { request } from "node:http";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@thaw/assets";
import { type LaunchedBrowser, launchBrowser } from "@thaw/browser-runner/internals";
import { resultOfPlan } from "@thaw/core";
import { contractPlan } from "@thaw/core/contract";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { liveBoard } from "../src/live/live-board.ts";
import { startLiveServer } from "../src/live/live-server.ts";

let chromium: LaunchedBrowser;
beforeAll(async () => {
  chromium = await launchBrowser("software");
});
afterAll(() => chromium.close());

/** Posts as nobody's page, without tidying up the path. @returns the status */
function post(url: string, headers: Record<string, string>): Promise<number> {
  const { hostname, port, origin } = new URL(url);
  return new Promise((resolve, reject) => {
    const options = { hostname, port, path: url.slice(origin.length), method: "POST", headers };
    request(options, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on("error", reject)
      .end();
  });
}

/** Connections that servers of this process have had. */
const sockets = new Set<Socket>();
const keep = (message: unknown): void => void sockets.add((message as { socket: Socket }).socket);

describe("the live page's server", () => {
  beforeAll(() => subscribe("http.server.request.start", keep));
  afterAll(() => void unsubscribe("http.server.request.start", keep));

  it("catches a page up that lost its connection", async () => {
    const plan = await contractPlan(openStore(mkdtempSync(join(tmpdir(), "thaw-"))), {});
    const board = liveBoard();
    const place = { name: "s", group: "g", label: "first" };
    const first = board.queue(place, plan, "node");
    const server = await startLiveServer(board, "A sweep");
    const page = await chromium.browser.newPage();
    await page.goto(server.url);
    const state = (): Promise<string | null> => page.locator("#cell-c1 .state").textContent();
    const connection = (): Promise<string | null> => page.locator("#connection").textContent();
    await expect.poll(connection).toBe("Connected.");
    await expect.poll(state).toBe("queued");

    for (const socket of sockets) socket.destroy();
    await expect.poll(connection).toContain("Connection lost");
    await first.observer.begin({
      cell: "x",
      sweep: place,
      runner: "node",
      settings: {},
      epochs: 1,
      ...resultOfPlan(plan),
    });
    board.queue({ ...place, label: "second" }, plan, "node");
    await expect.poll(connection, { timeout: 20_000 }).toBe("Connected.");
    await expect.poll(state).toBe("starting");
    expect(await page.locator("#cells tr").count()).toBe(2);

    await first.observer.end({ failure: { code: "non-finite", message: "<b>The loss is NaN.</b>" } });
    await expect.poll(state).toBe("failed: non-finite: <b>The loss is NaN.</b>");
    await page.locator("#cell-c2 button").click();
    await expect.poll(() => page.locator("#cell-c2 .state").textContent()).toContain("cancelled");
    expect(board.cancel("c2")).toBe(false);
    await page.close();
    await server.close();
  });

  it("shows hostile texts as texts, and breaks no rule of its own policy", async () => {
    const plan = await contractPlan(openStore(mkdtempSync(join(tmpdir(), "thaw-"))), {});
    const board = liveBoard();
    const hostile = `</script><img src=x onerror="globalThis.hacked=1"><script>globalThis.hacked=1</script>'"\u202e\u001b[31m`;
    const cell = board.queue({ name: hostile, group: hostile, label: hostile }, plan, hostile);
    const server = await startLiveServer(board, hostile);
    const page = await chromium.browser.newPage();
    const complaints: string[] = [];
    const strangers: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => {
      if (!request.url().startsWith(server.url) && !request.url().startsWith("data:")) strangers.push(request.url());
    });
    const answer = await page.goto(server.url);
    expect(await answer?.headerValue("content-security-policy")).toContain("default-src 'none'; script-src 'self'");
    const state = page.locator("#cell-c1 .state");
    await expect.poll(() => state.textContent()).toBe("queued");
    await cell.observer.end({ failure: { code: hostile, message: hostile } });
    await expect.poll(() => state.textContent()).toContain("failed");
    expect(await state.textContent()).toContain("</script><img");
    expect(await page.evaluate(() => (globalThis as { hacked?: unknown }).hacked)).toBeUndefined();
    expect(await page.locator("img[onerror], script:not([src])").count()).toBe(0);
    expect([complaints, strangers]).toEqual([[], []]);

    // A script that got in would not run: the policy is more than a header.
    await page.evaluate(`{
      const script = document.createElement("script");
      script.textContent = "globalThis.hacked = 2";
      document.body.append(script, Object.assign(new Image(), { src: "http://127.0.0.1:9/leak" }));
    }`);
    await expect.poll(() => complaints.filter((line) => line.includes("Content Security Policy")).length).toBe(2);
    expect(await page.evaluate(() => (globalThis as { hacked?: unknown }).hacked)).toBeUndefined();
    await page.close();
    await server.close();
  });

  it("lets no other site cancel a cell", async () => {
    const plan = await contractPlan(openStore(mkdtempSync(join(tmpdir(), "thaw-"))), {});
    const board = liveBoard();
    board.queue({ name: "s", group: "g", label: "first" }, plan, "node");
    const server = await startLiveServer(board, "A sweep");
    const { origin } = new URL(server.url);
    const cancel = `${server.url}cells/c1/cancel`;
    for (const headers of [
      {},
      { origin: "null" },
      { origin: "http://127.0.0.1:1" },
      { origin, "sec-fetch-site": "cross-site" },
      { origin, "sec-fetch-site": "same-site" },
    ]) {
      const answer = await post(cancel, headers as Record<string, string>);
      expect([headers, [403, 404].includes(answer)]).toEqual([headers, true]);
    }
    for (const path of ["cells/c1/cancel/", "cells/../cells/c1/cancel", "cells/c1%2fcancel", "cells/C1/cancel"]) {
      expect(await post(`${server.url}${path}`, { origin })).toBe(405);
    }
    expect(await post(cancel, { origin, "sec-fetch-site": "same-origin" })).toBe(204);
    await server.close();
  });
});

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdtempSync } from "node:fs";
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
});

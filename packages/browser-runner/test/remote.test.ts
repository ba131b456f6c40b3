import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@thaw/assets";
import type { RunEvent } from "@thaw/core";
import { contractPlan } from "@thaw/core/contract";
import { type BrowserServer, chromium } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { chromiumFlags } from "../src/chromium-flags.ts";
import { createRunner } from "../src/index.ts";
import { findChromium } from "../src/locate-chromium.ts";

// THAW_BROWSER_WS: the browser runs elsewhere; here, in a Playwright server of its own on the loopback interface.
describe("a browser behind a Playwright server", () => {
  let server: BrowserServer;
  const store = openStore(mkdtempSync(join(tmpdir(), "thaw-")));
  beforeAll(async () => {
    const { path } = await findChromium();
    const flags = { platform: process.platform, isRoot: process.getuid?.() === 0, gpu: "software" } as const;
    server = await chromium.launchServer({ executablePath: path, headless: true, args: chromiumFlags(flags) });
  });
  afterAll(() => server.close());
  afterEach(() => vi.unstubAllEnvs());

  it.each(["webgpu", "wasm"])(
    "runs %s there, over the tunnel to this machine's server",
    async (name) => {
      vi.stubEnv("THAW_BROWSER_WS", server.wsEndpoint());
      const runner = createRunner(name);
      const events: RunEvent[] = [];
      const plan = await contractPlan(store, { epochs: 1 });
      for await (const event of runner.run(plan, { storeDir: store.folder, settings: {} })) events.push(event);
      await runner.close?.();
      expect(events.at(-1)?.type).toBe("end");
      const [start] = events;
      if (start?.type !== "start") throw new Error("The first event is no start.");
      expect(start.environment.versions.browser).toBe(new URL(server.wsEndpoint()).origin); // its path is a secret
      expect(start.environment.platform.os).toContain("Mozilla");
    },
    120_000,
  );

  it("says where no server answers", async () => {
    vi.stubEnv("THAW_BROWSER_WS", "ws://me:hunter2@127.0.0.1:9/nothing");
    const availability = await createRunner("wasm").probe({});
    expect(availability).toMatchObject({ ok: false, code: "browser-unreachable" });
    expect(availability.ok ? "" : availability.reason).toContain("ws://127.0.0.1:9");
    expect(JSON.stringify(availability)).not.toMatch(/hunter2|nothing/);
    expect(availability.ok ? "" : availability.hint).toContain("run-server");
  });
});

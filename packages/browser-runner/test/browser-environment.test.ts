import { readFileSync } from "node:fs";
import { serializeError } from "@thaw/core";
import { descendantsOf } from "@thaw/runner-kit";
import { afterEach, describe, expect, it, vi } from "vitest";
import { environmentOf } from "../src/environment.ts";
import { browserSettings, openRequest, openSession } from "../src/internals.ts";
import { launchBrowser } from "../src/launch.ts";
import { callPage } from "../src/page-link.ts";

describe("the address of the page", () => {
  it("is in no error, no result and no command line", async () => {
    const settings = browserSettings("cpu", {});
    const session = await openSession(openRequest("cpu", settings), 0);
    try {
      const [token = ""] = /[0-9a-f]{48}/.exec(session.page.url()) ?? [];
      expect(token).toHaveLength(48);
      const environment = environmentOf("cpu", session, settings);
      await session.page.context().setOffline(true); // a request that fails has its place in the page's script in its stack
      const wanted = { run: 999, environment, exportsWeights: false };
      const error: unknown = await callPage(session.page, "run", wanted).catch((thrown: unknown) => thrown);
      expect(JSON.stringify(serializeError(error))).toContain("http://127.0.0.1:");
      expect(JSON.stringify([serializeError(error), environment])).not.toContain(token);
      const commands = descendantsOf(process.pid).map(({ command }) => command);
      expect(commands.length).toBeGreaterThan(1);
      expect(commands.join("\n")).not.toContain(token);
    } finally {
      await session.close();
    }
  });
});

describe("the browser's processes", () => {
  afterEach(() => vi.unstubAllEnvs());

  it.skipIf(process.platform !== "linux")(
    "see nothing of the user's secrets (their environment shows on Linux)",
    async () => {
      vi.stubEnv("AWS_SECRET_ACCESS_KEY", "planted-1");
      vi.stubEnv("HTTPS_PROXY", "http://me:planted-2@proxy:3128");
      vi.stubEnv("THAW_API_KEY", "planted-3");
      const launched = await launchBrowser("software");
      const pids = descendantsOf(process.pid)
        .filter(({ command }) => command.includes("--thaw-session="))
        .map(({ pid }) => pid);
      const environments = pids.map((pid) => readFileSync(`/proc/${pid}/environ`, "utf8"));
      await launched.close();
      expect(environments.length).toBeGreaterThan(0);
      for (const environment of environments) {
        expect(environment).toContain(`PATH=${process.env.PATH}`);
        expect(environment).not.toContain("planted");
      }
    },
  );
});

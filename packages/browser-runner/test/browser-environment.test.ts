import { readFileSync } from "node:fs";
import { descendantsOf } from "@thaw/runner-kit";
import { afterEach, describe, expect, it, vi } from "vitest";
import { launchBrowser } from "../src/launch.ts";

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

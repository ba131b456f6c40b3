import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { thisMachine } from "../../../scripts/setup/machine.mjs";
import { provideTrackingServers } from "../../../scripts/setup/tracking-servers.mjs";
import { ROOT } from "./command-line.ts";

describe("the set-up of MLflow and TensorBoard", () => {
  it("is no error where it cannot be done: their tests are skipped, and it says why", async () => {
    const cacheFolder = mkdtempSync(join(tmpdir(), "thaw-servers-"));
    const machine = thisMachine({ root: ROOT, cacheFolder, env: { THAW_PYTHON: join(cacheFolder, "no-python") } });
    expect(await provideTrackingServers(machine)).toEqual({
      warning: "not installed, so their tests are skipped",
      details: expect.arrayContaining([
        expect.stringMatching(/^MLflow and TensorBoard: needs Python 3\.11, 3\.12, 3\.13/),
      ]),
    });
    expect(readdirSync(cacheFolder)).toEqual([]);
  });
});

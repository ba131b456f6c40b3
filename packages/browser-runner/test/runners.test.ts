import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@thaw/assets";
import { describeRunner } from "@thaw/core/contract";
import { afterAll, describe, expect, it } from "vitest";
import { createRunner } from "../src/index.ts";
import { ENGINES } from "../src/messages.ts";

for (const engine of ENGINES) {
  describe(engine, () => {
    const runner = createRunner(engine);
    describeRunner(runner, openStore(mkdtempSync(join(tmpdir(), "thaw-"))), { describe, it, expect });
    afterAll(() => runner.close?.());
  });
}

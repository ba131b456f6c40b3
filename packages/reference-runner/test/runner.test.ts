import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@thaw/assets";
import { describeRunner } from "@thaw/core/contract";
import { describe, expect, it } from "vitest";
import { createRunner } from "../src/index.ts";

describeRunner(createRunner("reference"), openStore(mkdtempSync(join(tmpdir(), "thaw-"))), { describe, it, expect });

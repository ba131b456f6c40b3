import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@thaw/assets";
import { contractPlan } from "@thaw/core/contract";
import { expect, it } from "vitest";
import { createRunner } from "../src/index.ts";

const store = openStore(mkdtempSync(join(tmpdir(), "thaw-")));

/** Threads that were there, and the digest of the weights that a short run ends with. */
async function finalWeights(threads: number): Promise<{ readonly threads: unknown; readonly digest: string }> {
  const runner = createRunner("wasm");
  const plan = await contractPlan(store, { epochs: 1 });
  let found: unknown;
  let digest = "";
  for await (const event of runner.run(plan, { storeDir: store.folder, settings: { threads } })) {
    if (event.type === "start") found = event.environment.settings.threads;
    if (event.type === "end") digest = event.outcome.digests.final;
  }
  await runner.close?.();
  return { threads: found, digest };
}

it("wasm has the threads that were asked for, however few processors there are, and the same bits with them", async () => {
  const one = await finalWeights(1);
  const two = await finalWeights(2);
  expect([one.threads, two.threads]).toEqual([1, 2]);
  expect(two.digest).toBe(one.digest);
}, 120_000);

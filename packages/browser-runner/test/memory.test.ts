import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@thaw/assets";
import { contractPlan } from "@thaw/core/contract";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BrowserSession, browserSettings, environmentOf, openRequest, openSession } from "../src/internals.ts";

// The table of 300 steps comes from benchmarks/src/memory-over-steps.ts; here as many as show a leak of one tensor.
describe.each(["webgpu", "wasm"] as const)("memory of engine %s", (engine) => {
  const store = openStore(mkdtempSync(join(tmpdir(), "thaw-")));
  const settings = browserSettings(engine, {});
  let session: BrowserSession;
  beforeAll(async () => {
    session = await openSession(openRequest(engine, settings), 0);
  });
  afterAll(() => session.close());

  it("is the same after every run, and its pool grows no more after the first", async () => {
    const environment = environmentOf(engine, session, settings);
    const plan = await contractPlan(store, { freeze: 0, epochs: 3 }); // 9 steps and 4 evaluations
    const run = (): Promise<void> =>
      session.run({ plan, storeDir: store.folder }, environment, undefined, () => undefined);
    const before = await session.memory();
    await run();
    const first = await session.memory();
    expect([first.tensors, first.bytes]).toEqual([before.tensors, before.bytes]);
    await run();
    await run();
    expect(await session.memory()).toEqual(first);
  }, 180_000);
});

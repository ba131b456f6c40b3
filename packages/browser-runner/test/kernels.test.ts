import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BrowserSession, browserSettings, ENGINES, openRequest, openSession } from "../src/internals.ts";

// Rung L1 in the browser itself: the page runs the suite of core on the engine's kernel set, fused kernels included.
describe.each(ENGINES)("kernels of engine %s (rung L1)", (engine) => {
  let session: BrowserSession;
  beforeAll(async () => {
    session = await openSession(openRequest(engine, browserSettings(engine, {})), 0);
  });
  afterAll(() => session.close());

  it("can run nowhere else", () => {
    expect(session.opened.backends).toEqual([engine]);
  });

  it("all agree with float64", async () => {
    const verdicts = await session.checkKernels();
    expect(verdicts.filter(({ problem }) => problem !== null)).toEqual([]);
    expect(verdicts.length).toBeGreaterThan(400);
  }, 300_000);
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRunner } from "../src/index.ts";
import { type BrowserSession, browserSettings, ENGINES, openRequest, openSession } from "../src/internals.ts";

// That every kernel agrees with float64 (rung L1) is in the runners' contract: runners.test.ts.
describe.each(ENGINES)("kernels of engine %s", (engine) => {
  let session: BrowserSession;
  beforeAll(async () => {
    session = await openSession(openRequest(engine, browserSettings(engine, {})), 0);
  });
  afterAll(() => session.close());

  it("can run nowhere else", () => {
    expect(session.opened.backends).toEqual([engine]);
  });
});

describe("verdicts on kernels", () => {
  const runner = createRunner("wasm");
  afterAll(() => runner.close?.());

  it("come one by one, and end when nobody wants more", async () => {
    const seen: string[] = [];
    for await (const { op } of runner.checkOps?.("kernels", { settings: {} }) ?? []) {
      seen.push(op);
      if (seen.length === 3) break;
    }
    expect(seen).toEqual(["upload", "download", "memory"]);
  });

  it("end when they are cancelled", async () => {
    const controller = new AbortController();
    const judge = async (): Promise<void> => {
      const options = { settings: {}, signal: controller.signal };
      for await (const _ of runner.checkOps?.("kernels", options) ?? []) controller.abort();
    };
    await expect(judge()).rejects.toMatchObject({ code: "cancelled" });
  });
});

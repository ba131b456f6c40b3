import type { OpVerdict } from "@thaw/core";
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

describe("stock operations of tfjs", () => {
  const runner = createRunner("wasm");
  afterAll(() => runner.close?.());
  const judge = async (cases: readonly Readonly<Record<string, unknown>>[]): Promise<OpVerdict[]> => {
    const verdicts: OpVerdict[] = [];
    for await (const verdict of runner.checkOps?.("tfjs", { settings: {}, cases }) ?? []) verdicts.push(verdict);
    return verdicts;
  };

  it("are judged in the page, with gradients", async () => {
    const x = { shape: [2], dtype: "float32", values: ["3", "-0.5"] };
    const [verdict] = await judge([{ op: "tf.square", parameters: { shape: [2] }, inputs: [x] }]);
    expect(verdict).toMatchObject({ op: "tf.square", problems: [] });
    expect(verdict?.evidence?.map(({ part, found }) => [part, found])).toEqual([
      ["y", "[9, 0.25]"],
      ["dx0", expect.stringMatching(/^\[-?\d+\.\d+, -?\d+\.\d+\]$/)],
    ]);
  });

  it("go on with a fresh page behind one that breaks WebAssembly's memory", async () => {
    // tfjs-backend-wasm 4.22 reads and writes out of bounds for an axis counted from behind.
    const parameters = { shape: [3, 4], axis: -1, exclusive: false, reverse: false };
    const x = { shape: [3, 4], dtype: "float32", values: Array.from({ length: 12 }, () => "1") };
    const fine = {
      op: "tf.abs",
      parameters: { shape: [1] },
      inputs: [{ shape: [1], dtype: "float32", values: ["-2"] }],
    };
    const verdicts = await judge([{ op: "tf.cumprod", parameters, inputs: [x] }, fine]);
    expect(verdicts.map(({ op, problems }) => [op, problems.length])).toEqual([
      ["tf.cumprod", 1],
      ["tf.abs", 0],
    ]);
    expect(verdicts[0]?.problems[0]).toContain("memory access out of bounds");
  });
});

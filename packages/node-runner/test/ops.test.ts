import { describe, expect, it } from "vitest";
import { createRunner } from "../src/index.ts";

// That the kernels agree with float64 is in the runner's contract: runner.test.ts.
describe("stock operations of tfjs on node", () => {
  const runner = createRunner("node");
  const square = { op: "tf.square", parameters: { shape: [2] }, part: "y" };
  const input = { shape: [2], dtype: "float32", values: ["3", "-0.5"] };

  it("can be judged one by one, on cases that somebody else found", async () => {
    const cases = [{ ...square, inputs: [input] }];
    const found: unknown[] = [];
    for await (const verdict of runner.checkOps?.("tfjs", { settings: {}, cases }) ?? []) found.push(verdict);
    expect(found).toMatchObject([
      { op: "tf.square", problems: [], evidence: [{ kind: "fine", backend: "tensorflow", found: "[9, 0.25]" }] },
    ]);
  });

  it("come one by one, and end when they are cancelled", async () => {
    const controller = new AbortController();
    let count = 0;
    const judge = async (): Promise<void> => {
      for await (const { op } of runner.checkOps?.("tfjs", { settings: {}, signal: controller.signal }) ?? []) {
        if (count === 0) expect(op).toBe("tf.abs");
        count += 1;
        controller.abort();
      }
    };
    await expect(judge()).rejects.toMatchObject({ code: "cancelled" });
    expect(count).toBeLessThan(200); // of more than a thousand: what was on its way still comes
  });

  it("refuse a setting that the runner does not know", async () => {
    const judge = async (): Promise<void> => {
      for await (const _ of runner.checkOps?.("tfjs", { settings: { nothing: 1 } }) ?? []) expect(_).toBe(undefined);
    };
    await expect(judge()).rejects.toMatchObject({ code: "setting-invalid" });
  });
});

import { describe, expect, it } from "vitest";
import { resolveFreeze } from "../src/freeze/policy.ts";
import { mobileNetV2 } from "../src/model/mobilenet-v2.ts";
import { namePattern } from "../src/spec/name-pattern.ts";
import { failureOf } from "./failure.ts";

describe("a pattern over names", () => {
  it("matches as the language's own expressions do", () => {
    const names = mobileNetV2({ alpha: 1, imageSize: 96 }).layers.map(({ name }) => name);
    const patterns = [
      "^block_1[0-6]_",
      "_BN$",
      "^(?:block_(\\d+)_(expand|project))$",
      "Conv1|out_relu",
      "[^_]+_\\w{3}",
      ".",
    ];
    for (const pattern of patterns) {
      const own = namePattern(pattern);
      const known = new RegExp(pattern);
      expect(names.filter((name) => own.test(name))).toEqual(names.filter((name) => known.test(name)));
    }
  });

  it.each(["(a+)+$", "(a|a)*b$", "(\\w+\\w+)+!", "(.*)*x"])("comes to an end on a long name: %s", (pattern) => {
    const startedMs = performance.now();
    expect(namePattern(pattern).test(`${"a".repeat(5000)}!`)).toBe(pattern.endsWith("!"));
    expect(performance.now() - startedMs).toBeLessThan(10_000); // the language's own engine: longer than the world is old
  });

  it("that is none says what to do", async () => {
    const { layers } = mobileNetV2({ alpha: 1, imageSize: 96 });
    const policy = { frozenBatchNorm: "inference", batchNorm: "keras" } as const;
    for (const pattern of ["(", "(?=block)x", "(a)\\1", "x{5000}"]) {
      const rules = [{ layers: pattern, train: true }];
      const { code, hint } = await failureOf(() => resolveFreeze(rules, layers, [], policy));
      expect(code).toBe("freeze-invalid");
      expect(hint).toContain("lookarounds and back references are not known");
    }
  });
});

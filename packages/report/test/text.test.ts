import { describe, expect, it } from "vitest";
import { parityText } from "../src/index.ts";
import { badReport, goodReport } from "./report-example.ts";

describe("the report for a terminal", () => {
  it("starts with the verdict and shows the matrix", () => {
    const text = parityText(goodReport());
    expect(text.startsWith("✓ Parity holds: ")).toBe(true);
    expect(text).toMatch(/│ webgpu +│ any +│ +│ ✓ pass 53 % +│ +│ +│\n│ software \(SwiftShader\) │/);
    expect(text).toMatch(/│ +│ 0 +│ ✓ pass exact │ +│ ✓ pass 77 % +│ ✓ pass 2\.6 % +│/);
    expect(text).toContain("– dawn did not take part (webgpu-unavailable)");
    expect(text).toContain("webgpu: tfjs-backend-webgpu 4.22.0 on software (SwiftShader)");
  });

  it("says what broke, where, and how it grew there", () => {
    const text = parityText(badReport());
    expect(text).toContain("✗ FAIL 5.3×");
    expect(text).toContain("! error");
    expect(text).toContain("– not run");
    expect(text).toContain("\n✗ webgpu leaves keras at L3 gradients, depth 0, step 1: block_2_1/kernel");
    expect(text).toContain("\nwebgpu, L3 gradients, depth 0: parts of the bound\n");
    expect(text).toContain("node against keras, depth 100: ✗ NOT shown: 73.6 / 73.6 %, +0.00 ± 1.40 pp over 3 seeds");
    expect(text).toContain("power 5 %, seeds for 90 %: 23");
    expect(text).toContain("0.8 → 5.3\n    chromium: 139.0 → 140.0\n");
  });

  it("has no control characters but line feeds, and keeps its lines to 140 columns", () => {
    const unbroken = badReport().results.filter(({ status }) => status !== "error");
    const text = parityText(badReport({ results: unbroken, drift: [], divergences: [] }));
    expect([...text].filter((sign) => sign < " " && sign !== "\n")).toEqual([]);
    expect(Math.max(...text.split("\n").map((line) => [...line].length))).toBeLessThanOrEqual(140);
  });
});

import { describe, expect, it } from "vitest";
import { parityMarkdown } from "../src/index.ts";
import { badReport, goodReport, gradients } from "./report-example.ts";

const lines = (markdown: string): readonly string[] => markdown.split("\n");

/** Tables by their heads: every row has as many cells as its head. */
function tables(markdown: string): readonly (readonly string[][])[] {
  const blocks = markdown.split("\n\n").filter((block) => block.startsWith("| "));
  return blocks.map((block) =>
    block.split("\n").map((line) =>
      line
        .slice(2, -2)
        .split(/(?<!\\) \| /)
        .map((cell) => cell.trim()),
    ),
  );
}

describe("the Markdown summary", () => {
  it("has the verdict in its first line, the figure closest to its bound in the next", () => {
    const [first, , second] = lines(parityMarkdown(goodReport()));
    expect(first).toBe(
      "## ✓ Parity holds: node; webgpu, software (SwiftShader) agree with keras (float64) on L0, L1, L3, L4 at depths 0, 100",
    );
    expect(second).toBe(
      "Closest to a bound: webgpu, L3 gradients, depth 0: 1.5e-3 of 2.0e-3 (77 %), " +
        "relative L2 error of the gradient at step 1, block\\_14\\_3/kernel",
    );
  });

  it("names the lowest rung that broke", () => {
    expect(lines(parityMarkdown(badReport()))[0]).toBe(
      "## ✗ Parity FAILED: webgpu at L3 gradients, depth 0, the lowest of 2 on webgpu, node; 1 more could not be judged",
    );
  });

  it("shows runner × depth against rung, with a word beside each sign", () => {
    const [matrix] = tables(parityMarkdown(badReport()));
    expect(matrix?.[0]).toEqual([
      "runner",
      "depth",
      "L0 identity",
      "L1 operations",
      "L3 gradients",
      "L4 trajectory",
      "L5 outcome",
    ]);
    const row = matrix?.find(([runner, depth]) => runner?.startsWith("webgpu") && depth === "0");
    expect(row).toEqual([
      "webgpu, software (SwiftShader)",
      "0",
      "✓ pass<br>exact",
      "",
      "**✗ FAIL**<br>0.011 of 2.0e-3 (5.3×)",
      "! error",
      "",
    ]);
    const shared = matrix?.find(([runner, depth]) => runner === "node" && depth === "any");
    expect(shared?.[3]).toBe("✓ pass<br>0.53 of 1 (53 %)");
  });

  it("keeps every table whole, whatever the texts hold", () => {
    const nasty = { ...gradients("web|gpu\n<b>", "0", 1e-2), note: "a | b\n\nc `d` <script>" };
    const markdown = parityMarkdown(badReport({ results: [...badReport().results, nasty] }));
    const found = tables(markdown);
    expect(found).toHaveLength(5);
    for (const table of found) for (const row of table) expect(row).toHaveLength(table[0]?.length ?? 0);
    expect(markdown).not.toContain("<script>");
    expect(markdown).toContain("web\\|gpu<br>&lt;b&gt;");
  });

  it("has first divergences as sentences, with the curve of what failed", () => {
    const markdown = parityMarkdown(badReport());
    expect(markdown).toContain("- webgpu leaves keras at L3 gradients, depth 0, step 1: block\\_2\\_1/kernel is off");
    expect(markdown).toContain("<summary>Where it grows: webgpu, L3 gradients, depth 0</summary>\n\n```text\n");
    expect(markdown).toContain("first beyond its bound: block_4_0");
  });

  it("has L5, drift and environments", () => {
    const markdown = parityMarkdown(badReport());
    expect(markdown).toContain("| −2.36 to +2.36 pp |".replace("| ", "| 90 %: "));
    expect(markdown).toContain("✗ NOT shown");
    expect(markdown).toContain("| 0.8 | 5.3 | chromium: 139.0 → 140.0<br>flags: with --no-sandbox |");
    expect(markdown).toContain("| keras (float64), the reference | Keras 3.15.0 on TensorFlow 2.21.0 | AMD EPYC |");
    expect(parityMarkdown(goodReport({ drift: [] }))).toContain("None from the baseline.");
    expect(parityMarkdown(goodReport())).not.toContain("Drift");
  });

  it("tells a runner that is missing from one that is required and missing", () => {
    expect(parityMarkdown(goodReport())).toContain(
      "\n– dawn did not take part (webgpu-unavailable): There is no Vulkan",
    );
    const runners = goodReport().runners.map((runner) => ({ ...runner, required: true }));
    const markdown = parityMarkdown(goodReport({ runners, passed: false }));
    expect(lines(markdown)[0]).toBe("## ✗ Parity NOT SHOWN: required but missing: dawn");
    expect(markdown).toContain("\n✗ dawn did not take part");
  });

  it("does not say that all is well where nothing was judged", () => {
    expect(lines(parityMarkdown(goodReport({ results: [] })))[0]).toBe("## – Nothing was judged");
    expect(lines(parityMarkdown(goodReport({ passed: false })))[0]).toContain("✗ Parity NOT SHOWN");
  });

  it("shows what is no number as such", () => {
    const broken = gradients("node", "0", Number.NaN);
    expect(parityMarkdown(goodReport({ results: [broken], passed: false }))).toContain("not finite of 2.0e-3 (∞)");
  });
});

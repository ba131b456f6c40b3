import { describe, expect, it } from "vitest";
import { SMALL_SPEC, specFile, thaw } from "./command-line.ts";

describe("thaw doctor", () => {
  it("finds libtensorflow and the embedded set, and says why there is no GPU", async () => {
    const { code, stdout } = await thaw(["doctor", "--json"]);
    const { ok, checks } = JSON.parse(stdout) as {
      ok: boolean;
      checks: { name: string; status: string; found: string }[];
    };
    const found = (name: string) => checks.find((check) => check.name === name);
    expect([code, ok]).toEqual([0, true]);
    expect(found("runner node")?.found).toMatch(/^libtensorflow \d+\.\d+\.\d+ on (cpu|gpu)/);
    expect(found("data fashion-shoes")?.found).toBe("embedded");
  });

  it("says what is missing and how to get it, with an exit code", async () => {
    const { code, stdout } = await thaw(["doctor"], { THAW_CACHE: "/nonexistent/thaw-cache" });
    expect(code).toBe(3);
    expect(stdout).toMatch(/missing +runner node/);
    expect(stdout).toContain("npm run setup");
  });
});

describe("thaw layers and thaw schema", () => {
  it("numbers the layers as a freeze count counts", async () => {
    const { stdout } = await thaw(["layers", specFile(SMALL_SPEC)]);
    expect(stdout).toMatch(
      /│ 99 +│ block_11_expand_BN +│ BatchNormalization +│ [^│]+│ [^│]+│ [^│]+│ frozen \(BN inference\) +│/,
    );
    expect(stdout).toMatch(/│ 101 +│ block_11_depthwise +│ DepthwiseConv2D +│ [^│]+│ [^│]+│ [^│]+│ yes +│/);
    expect(stdout).toContain("MACs an image: frozen prefix");
  });

  it("prints the JSON Schema of a spec", async () => {
    const schema = JSON.parse((await thaw(["schema"])).stdout) as { properties: Record<string, unknown> };
    expect(Object.keys(schema.properties)).toContain("freeze");
  });
});

import { describe, expect, it } from "vitest";
import { installedRunners } from "../src/registry.ts";
import { SMALL_SPEC, specFile, thaw } from "./command-line.ts";

/** It starts every engine, a browser among them, one after the other. */
const DOCTOR_MS = 240_000;

describe("thaw doctor", () => {
  it("asks every installed runner, one line each, and finds the embedded set", { timeout: DOCTOR_MS }, async () => {
    const { code, stdout } = await thaw(["doctor", "--json"]);
    const { ok, checks } = JSON.parse(stdout) as {
      ok: boolean;
      checks: { name: string; status: string; found: string }[];
    };
    const found = (name: string) => checks.find((check) => check.name === name);
    expect([code, ok]).toEqual([0, true]);
    expect(found("runner node")?.found).toMatch(/^libtensorflow \d+\.\d+\.\d+ on (cpu|gpu)/);
    expect(found("runner webgpu")?.found).toMatch(/^tfjs-backend-webgpu \d+\.\d+\.\d+ on gpu/);
    const runners = checks.filter(({ name }) => name.startsWith("runner ")).map(({ name }) => name.slice(7));
    expect(runners).toEqual([...(await installedRunners()).keys()]);
    expect(found("data fashion-shoes")?.found).toBe("embedded");
  });

  it("says what is missing and how to get it, with an exit code", { timeout: DOCTOR_MS }, async () => {
    const env = { THAW_CACHE: "/nonexistent/thaw-cache", THAW_CHROMIUM: "/nonexistent/chromium" };
    const { code, stdout } = await thaw(["doctor"], env);
    expect(code).toBe(3);
    expect(stdout).toMatch(/missing +runner node/);
    expect(stdout).toContain("npm run setup");
    expect(stdout).toMatch(
      /missing +runner webgpu +THAW_CHROMIUM is \/nonexistent\/chromium, which is no program\.\n +hint:/,
    );
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

import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@thaw/assets";
import { contractPlan } from "@thaw/core/contract";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createRunner } from "../src/index.ts";
import { vulkanDrivers, vulkanSurroundings } from "../src/vulkan-driver.ts";

const runner = createRunner("dawn");
const folder = mkdtempSync(join(tmpdir(), "thaw-"));

/** Names the emulator, so that a test means the same on a machine with a GPU. */
function nameEmulator(): void {
  const manifest = vulkanDrivers(vulkanSurroundings()).at(-1)?.manifest;
  if (manifest === null || manifest === undefined) throw new Error("There is no Chromium with an emulator here.");
  vi.stubEnv("THAW_VULKAN_ICD", manifest);
}

describe("the adapter of runner dawn", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it("is labelled where it is emulated", async () => {
    nameEmulator();
    const availability = await runner.probe();
    expect(availability).toMatchObject({
      ok: true,
      environment: {
        device: { kind: "gpu", name: "SwiftShader", software: true },
        adapter: { limits: { maxBufferSize: expect.any(Number) } },
        versions: { driver: "vk_swiftshader_icd.json (THAW_VULKAN_ICD)" },
      },
    });
  });

  it("is refused where it is emulated and hardware is required", async () => {
    nameEmulator();
    const settings = { requireHardware: true };
    const refusal = { code: "software-adapter", hint: expect.stringMatching(/driver/) };
    expect(await runner.probe(settings)).toMatchObject({ ok: false, ...refusal });
    const plan = await contractPlan(openStore(folder), {});
    const run = runner.run(plan, { storeDir: folder, settings })[Symbol.asyncIterator]();
    await expect(run.next()).rejects.toMatchObject(refusal);
  });

  it("is missed where the driver is none", async () => {
    const manifest = join(folder, "icd.json");
    writeFileSync(manifest, JSON.stringify({ file_format_version: "1.0.0", ICD: { library_path: "./none.so" } }));
    vi.stubEnv("THAW_VULKAN_ICD", manifest);
    expect(await runner.probe()).toMatchObject({
      ok: false,
      code: "webgpu-unavailable",
      reason: expect.stringContaining(manifest),
      hint: expect.stringContaining("THAW_VULKAN_ICD"),
    });
  });

  it("refuses values that settings do not take", async () => {
    const wrong = { ok: false, code: "setting-invalid" };
    expect(await runner.probe({ requireHardware: "yes" })).toMatchObject(wrong);
    expect(await runner.probe({ plainKernels: "batchNormTrian" })).toMatchObject(wrong);
  });
});

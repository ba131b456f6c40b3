import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { browserFolders, type VulkanSurroundings, vulkanDrivers } from "../src/vulkan-driver.ts";

/** A home with two of Playwright's Chromiums; the newer one alone has its emulator. */
function home(): { folder: string; manifest: string } {
  const folder = mkdtempSync(join(tmpdir(), "thaw-home-"));
  const cache = join(folder, ".cache", "ms-playwright");
  const newer = join(cache, "chromium-1200", "chrome-linux64");
  for (const made of [newer, join(cache, "chromium-999", "chrome-linux"), join(cache, "firefox-1500", "firefox")]) {
    mkdirSync(made, { recursive: true });
  }
  const manifest = join(newer, "vk_swiftshader_icd.json");
  writeFileSync(manifest, "{}");
  return { folder, manifest };
}

const linux = (env: VulkanSurroundings["env"], folder = "/nowhere"): VulkanSurroundings => ({
  platform: "linux",
  env,
  home: folder,
});
const system = { source: "system", manifest: null };

describe("vulkanDrivers", () => {
  it("tries the system's driver first and a Chromium's emulator last", () => {
    const { folder, manifest } = home();
    const beside = { THAW_CHROMIUM: join(manifest, "..", "chrome") };
    writeFileSync(beside.THAW_CHROMIUM, "");
    expect(vulkanDrivers(linux(beside, folder))).toEqual([system, { source: "chromium", manifest }]);
  });

  it("looks beside THAW_CHROMIUM, then where browsers are installed, then in Playwright's cache, newest first", () => {
    const { folder, manifest } = home();
    const program = join(folder, "chrome");
    writeFileSync(program, "");
    const folders = browserFolders(linux({ THAW_CHROMIUM: program }, folder));
    expect(folders[0]).toBe(folder);
    expect(folders.indexOf("/usr/lib/chromium")).toBeGreaterThan(0);
    expect(folders.slice(-2)).toEqual([
      join(manifest, ".."),
      join(folder, ".cache", "ms-playwright", "chromium-999", "chrome-linux"),
    ]);
  });

  it("takes THAW_VULKAN_ICD and nothing else", () => {
    const { folder, manifest } = home();
    const drivers = vulkanDrivers(linux({ THAW_VULKAN_ICD: manifest }, folder));
    expect(drivers).toEqual([{ source: "THAW_VULKAN_ICD", manifest }]);
  });

  it("says so when THAW_VULKAN_ICD names no file", () => {
    const missing = linux({ THAW_VULKAN_ICD: "/nowhere/icd.json" });
    expect(() => vulkanDrivers(missing)).toThrow(
      expect.objectContaining({ code: "vulkan-driver-missing", hint: expect.stringContaining("ICD") }),
    );
  });

  it.each(["VK_DRIVER_FILES", "VK_ICD_FILENAMES"])("leaves the choice to whoever set %s", (name) => {
    const { folder, manifest } = home();
    expect(vulkanDrivers(linux({ [name]: manifest }, folder))).toEqual([system]);
  });

  it("has nothing to choose where WebGPU does not run on Vulkan", () => {
    expect(vulkanDrivers({ platform: "darwin", env: { THAW_VULKAN_ICD: "/nowhere" }, home: "/nowhere" })).toEqual([
      system,
    ]);
  });
});

import { existsSync, readdirSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { ThawError } from "@thaw/core";

/** A Vulkan driver that Dawn can be pointed to. */
export interface VulkanDriver {
  /** `system` leaves the choice to the Vulkan loader; `chromium` is the emulator that a Chromium brings. */
  readonly source: "system" | "THAW_VULKAN_ICD" | "chromium";
  /** The driver's manifest, an ICD file; null for `system`. */
  readonly manifest: string | null;
}

/** What the choice depends on. */
export interface VulkanSurroundings {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

const SWIFTSHADER = "vk_swiftshader_icd.json";

/** Folders of Chrome and Chromium as Debian, Ubuntu, Fedora, Google and Microsoft install them. */
const BROWSER_FOLDERS = [
  "/usr/lib/chromium",
  "/usr/lib/chromium-browser",
  "/usr/lib64/chromium-browser",
  "/snap/chromium/current/usr/lib/chromium-browser",
  "/opt/google/chrome",
  "/opt/microsoft/msedge",
];

/** This process's surroundings. */
export function vulkanSurroundings(): VulkanSurroundings {
  return { platform: process.platform, env: process.env, home: homedir() };
}

function subfolders(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}

/** Folders of Playwright's Chromiums, the newest first: `<cache>/chromium-<revision>/chrome-linux`. */
function playwrightFolders({ env, home }: VulkanSurroundings): string[] {
  const cache = env.PLAYWRIGHT_BROWSERS_PATH || join(env.XDG_CACHE_HOME || join(home, ".cache"), "ms-playwright");
  const revision = (path: string): number => Number(/chromium-(\d+)$/.exec(path)?.[1]);
  return subfolders(cache)
    .filter((path) => !Number.isNaN(revision(path)))
    .sort((a, b) => revision(b) - revision(a))
    .flatMap(subfolders);
}

/** Folders that a Chromium's own libraries may lie in, the likeliest first. */
export function browserFolders(surroundings: VulkanSurroundings): readonly string[] {
  const named = surroundings.env.THAW_CHROMIUM;
  const beside = named !== undefined && existsSync(named) ? [dirname(realpathSync(named))] : [];
  return [...beside, ...BROWSER_FOLDERS, ...playwrightFolders(surroundings)];
}

/**
 * Drivers in the order in which they are to be tried: what somebody named and nothing else; or the system's, and then
 * the emulator that comes with a Chromium, SwiftShader. Only Linux needs a choice: elsewhere Dawn uses the system's
 * Metal or Direct3D.
 * @throws ThawError `vulkan-driver-missing` where THAW_VULKAN_ICD names no file
 */
export function vulkanDrivers(surroundings: VulkanSurroundings): readonly VulkanDriver[] {
  const system: VulkanDriver = { source: "system", manifest: null };
  const { platform, env } = surroundings;
  if (platform !== "linux") return [system];
  const named = env.THAW_VULKAN_ICD;
  if (named) {
    if (existsSync(named)) return [{ source: "THAW_VULKAN_ICD", manifest: named }];
    throw new ThawError("vulkan-driver-missing", `THAW_VULKAN_ICD is ${named}, which is no file.`, {
      hint: "Give the path of a Vulkan driver's manifest (an ICD file, .json), or unset it.",
    });
  }
  if (env.VK_DRIVER_FILES || env.VK_ICD_FILENAMES) return [system]; // the Vulkan loader was told already
  const manifest = browserFolders(surroundings)
    .map((folder) => join(folder, SWIFTSHADER))
    .find((file) => existsSync(file));
  return manifest === undefined ? [system] : [system, { source: "chromium", manifest }];
}

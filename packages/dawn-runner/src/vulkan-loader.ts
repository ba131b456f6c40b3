import { existsSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { serializeError } from "@thaw/core";
import { browserFolders, type VulkanDriver, type VulkanSurroundings } from "./vulkan-driver.ts";

const LOADER = "libvulkan.so.1";
/** glibc's and musl's RTLD_NODELETE: the library stays when Node, which finds no addon in it, lets it go. */
const STAY_LOADED = 0x1000;

/** Loads a library into this process, for good. */
function keepLoaded(library: string): boolean {
  try {
    process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_NOW | STAY_LOADED);
    return true;
  } catch (error) {
    return serializeError(error).message.includes("did not self-register"); // it is loaded, and no addon
  }
}

/**
 * Loads the Vulkan loader, which Dawn asks for by its bare name: the system's, else the one beside a Chromium, which
 * that name then finds in memory.
 * @returns where it comes from, or null where there is none
 */
export function loadVulkanLoader(surroundings: VulkanSurroundings): string | null {
  if (keepLoaded(LOADER)) return "system";
  const files = browserFolders(surroundings).map((folder) => join(folder, LOADER));
  return files.find((file) => existsSync(file) && keepLoaded(file)) ?? null;
}

/** Points the Vulkan loader, which reads this process's environment, to a driver. */
export function selectDriver({ manifest }: VulkanDriver): void {
  if (manifest === null) return;
  process.env.VK_DRIVER_FILES = manifest;
  process.env.VK_ICD_FILENAMES = manifest; // the name of loaders before 1.3.207
}

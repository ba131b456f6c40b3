import { readdirSync } from "node:fs";

/**
 * Whether this machine shows a GPU at all, so that a try with its driver is worth the time: on Linux a render node or
 * NVIDIA's device files; elsewhere there always is one.
 */
export function seemsToHaveGpu(platform: NodeJS.Platform = process.platform, devFolder = "/dev"): boolean {
  if (platform !== "linux") return true;
  const names = (folder: string): string[] => {
    try {
      return readdirSync(folder);
    } catch {
      return [];
    }
  };
  const renders = names(`${devFolder}/dri`).some((name) => name.startsWith("renderD"));
  return renders || names(devFolder).some((name) => /^(nvidia\d+|dxg)$/.test(name));
}

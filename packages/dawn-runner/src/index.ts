import { type Runner, ThawError } from "@thaw/core";
import { childRunner } from "@thaw/runner-kit";
import { dawnSettings } from "./settings.ts";

/** The runner on WebGPU without a browser: `dawn`. Each run has a child process of its own. */
export function createRunner(name: string): Runner {
  if (name !== "dawn") throw new ThawError("runner-unknown", `@thaw/dawn-runner has no runner "${name}", only "dawn".`);
  return childRunner({
    name,
    entry: new URL("./child", import.meta.url),
    checkSettings: dawnSettings,
    opSuites: ["kernels"],
    crashHint: "THAW_VULKAN_ICD points Dawn to another Vulkan driver.",
  });
}

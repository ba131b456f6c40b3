import { type Runner, ThawError } from "@thaw/core";
import { childRunner } from "@thaw/runner-kit";
import { nodeSettings } from "./settings.ts";

export { describeNative } from "./native/describe.ts";

/** The runner on libtensorflow: `node`. Each run has a child process of its own. */
export function createRunner(name: string): Runner {
  if (name !== "node") throw new ThawError("runner-unknown", `@thaw/node-runner has no runner "${name}", only "node".`);
  return childRunner({
    name,
    entry: new URL("./child", import.meta.url),
    checkSettings: nodeSettings,
    opSuites: ["kernels", "tfjs"],
    crashHint: "`thaw doctor` checks libtensorflow.",
  });
}

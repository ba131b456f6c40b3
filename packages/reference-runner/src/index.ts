import { type Runner, ThawError } from "@thaw/core";
import { childRunner } from "@thaw/runner-kit";
import { referenceSettings } from "./settings.ts";

/** The runner on core's own float64 kernels: `reference`. Slow, exact, and there wherever Node is. */
export function createRunner(name: string): Runner {
  if (name !== "reference") {
    throw new ThawError("runner-unknown", `@thaw/reference-runner has no runner "${name}", only "reference".`);
  }
  return childRunner({
    name,
    entry: new URL("./child", import.meta.url),
    checkSettings: referenceSettings,
    crashHint: "It is plain TypeScript: memory is the usual cause.",
  });
}

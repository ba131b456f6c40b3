import type { Environment } from "@thaw/core";
import { platformOf } from "../src/index.ts";

/** What the children of these tests say that they run on. */
export function toyEnvironment(): Environment {
  return {
    runner: "toy",
    engine: "toy 1.0",
    device: { kind: "cpu", name: "toy", software: false },
    settings: {},
    versions: {},
    platform: platformOf(),
  };
}

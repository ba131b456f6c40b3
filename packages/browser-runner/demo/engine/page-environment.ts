import type { Environment } from "@thaw/core";
import type { EngineName, OpenedEngine } from "../../src/messages.ts";

/** Describes where a run takes place, as far as a page is told. */
export function pageEnvironment(name: EngineName, opened: OpenedEngine): Environment {
  return {
    runner: name,
    engine: opened.engine,
    device: {
      kind: opened.device.kind,
      name: opened.device.name ?? "this computer's processor",
      software: opened.device.software,
      ...(opened.device.software ? { note: "no hardware adapter was found" } : {}),
    },
    ...(opened.adapter === null ? {} : { adapter: opened.adapter }),
    settings: {},
    versions: { tfjs: opened.tfjs, browser: opened.userAgent },
    platform: { os: opened.userAgent, arch: "unknown", cores: opened.processors, memoryBytes: 0 },
  };
}

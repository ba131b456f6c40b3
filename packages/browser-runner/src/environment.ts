import type { Environment } from "@thaw/core";
import { platformOf, processorName } from "@thaw/runner-kit";
import type { EngineName } from "./messages.ts";
import type { BrowserSession } from "./session.ts";
import { type BrowserSettings, recordedSettings } from "./settings.ts";

/** Describes the browser, its engine and the machine; of a remote machine what its page tells. */
export function environmentOf(
  engine: EngineName,
  { launched, opened }: BrowserSession,
  settings: BrowserSettings,
): Environment {
  const processor = launched.remote ? "remote processor" : processorName();
  const emulated = opened.device.software ? { note: "no hardware adapter was found" } : {};
  const platform = launched.remote
    ? { os: opened.userAgent, arch: "unknown", cores: opened.processors, memoryBytes: 0 }
    : platformOf();
  return {
    runner: engine,
    engine: opened.engine,
    device: {
      kind: opened.device.kind,
      name: opened.device.name ?? processor,
      software: opened.device.software,
      ...emulated,
    },
    ...(opened.adapter === null ? {} : { adapter: opened.adapter }),
    settings: { ...recordedSettings(engine, settings), ...(engine === "wasm" ? { threads: opened.threads } : {}) },
    versions: {
      node: process.versions.node,
      tfjs: opened.tfjs,
      chromium: launched.browser.version(),
      flags: launched.flags.join(" "),
      browser: launched.executable,
    },
    platform,
  };
}

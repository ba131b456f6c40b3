import { arch, cpus, type as osType, release, totalmem } from "node:os";
import type { Environment } from "@thaw/core";

/** The processor in its own words. */
export function processorName(): string {
  return cpus()[0]?.model.trim() || "unknown processor";
}

/** The machine that this process runs on. */
export function platformOf(): Environment["platform"] {
  return { os: `${osType()} ${release()}`, arch: arch(), cores: cpus().length, memoryBytes: totalmem() };
}

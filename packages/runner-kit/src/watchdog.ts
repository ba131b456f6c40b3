import { type ThawError, type Watchdog, watchRun } from "@thaw/core";

/** Core's {@link watchRun} on Node's clock. */
export function watchSteps(stepLimitSeconds: number, onHang: (error: ThawError) => void): Watchdog {
  const timers = { set: setTimeout, clear: (handle: NodeJS.Timeout) => clearTimeout(handle) };
  return watchRun(stepLimitSeconds, timers, onHang);
}

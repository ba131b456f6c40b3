import { type Plan, type ThawError, type Watchdog, watchRun } from "@thaw/core";

/** Core's {@link watchRun} on Node's clock. */
export function watchPlan(plan: Plan, onHang: (error: ThawError) => void): Watchdog {
  return watchRun(plan, { set: setTimeout, clear: (handle: NodeJS.Timeout) => clearTimeout(handle) }, onHang);
}

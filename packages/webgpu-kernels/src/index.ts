export * from "./adapter.ts";
export { type Commands, commandsOf, type DispatchCounts, type PassTimestamps } from "./commands.ts";
export { deviceTimer } from "./device-timer.ts";
export * from "./engine.ts";
export type { Team } from "./teams.ts";
export * from "./webgpu-kernels.ts";

export * from "./atomic-file.ts";
export * from "./availability.ts";
export * from "./blobs.ts";
export * from "./cache-folder.ts";
export { type ChildRunnerOptions, childRunner } from "./child-runner.ts";
export * from "./platform.ts";
export * from "./process-tree.ts";
export * from "./serve-runner.ts";
export * from "./settings.ts";

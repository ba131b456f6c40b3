export * from "./atomic-file.ts";
export * from "./platform.ts";

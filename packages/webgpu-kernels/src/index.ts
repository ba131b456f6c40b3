export * from "./adapter.ts";
export * from "./engine.ts";
export * from "./webgpu-kernels.ts";

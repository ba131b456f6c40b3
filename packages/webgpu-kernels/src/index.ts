export * from "./adapter.ts";
export { type CommandStream, commandStream } from "./command-stream.ts";
export * from "./engine.ts";
export * from "./webgpu-kernels.ts";

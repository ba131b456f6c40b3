import type { OpenRequest } from "../messages.ts";
import type { PageEngine } from "./page-engine.ts";

/** Starts the engine that was asked for; its code is loaded only then. */
export async function openEngine(request: OpenRequest): Promise<PageEngine> {
  switch (request.engine) {
    case "webgpu":
      return await (await import("./webgpu-engine.ts")).openWebgpuEngine(request);
    case "webgl":
      return await (await import("./webgl-engine.ts")).openWebglEngine(request);
    case "wasm":
      return await (await import("./wasm-engine.ts")).openWasmEngine(request);
    case "cpu":
      return await (await import("./cpu-engine.ts")).openCpuEngine();
  }
}

import { createRequire } from "node:module";
import { isMainThread } from "node:worker_threads";
import type { Tensor } from "@tensorflow/tfjs-core";
import { type AdapterInfo, type DeviceTimer, type KernelName, type Kernels, ThawError } from "@thaw/core";
import type { AdapterDescription, WebgpuEngine } from "@thaw/webgpu-kernels";
import { create, globals } from "webgpu";
import { type VulkanDriver, vulkanDrivers, vulkanSurroundings } from "./vulkan-driver.ts";
import { loadVulkanLoader, selectDriver } from "./vulkan-loader.ts";

/** tfjs on Dawn, in this process. */
export interface DawnEngine extends WebgpuEngine {
  readonly driver: VulkanDriver;
  /** Version of the npm package `webgpu`. */
  readonly version: string;
  readonly adapterInfo: AdapterInfo;
  /** @param plain kernels that stay as tfjs has them */
  kernels(plain: readonly KernelName[] | "all"): Kernels<Tensor>;
  /** For profiles; undefined where the adapter has no timestamps. */
  deviceTimer(): DeviceTimer | undefined;
}

/** Puts WebGPU where tfjs looks for it: where a browser has it. Node 20 has no navigator. */
function exposeGpu(gpu: GPU): void {
  const scope = globalThis as { navigator?: object };
  if (scope.navigator === undefined) Object.defineProperty(scope, "navigator", { value: {}, configurable: true });
  Object.defineProperty(scope.navigator, "gpu", { value: gpu, configurable: true });
}

/** tfjs's WebGPU backend looks at the globals when it is imported. */
async function importKernels(): Promise<typeof import("@thaw/webgpu-kernels")> {
  if (!isMainThread) {
    // A worker's process.env is a copy that the Vulkan loader does not see.
    throw new ThawError("dawn-thread", "Dawn can only be opened in a process's main thread.", {
      hint: "Start a child process instead of a worker thread.",
    });
  }
  Object.assign(globalThis, globals);
  exposeGpu(create([]));
  return await import("@thaw/webgpu-kernels");
}

/** Timestamps to the nanosecond: Dawn else rounds them to 65 µs, against web pages that spy on each other. */
const FINE_TIMESTAMPS = ["disable-dawn-features=timestamp_quantization"];

interface FoundGpu {
  readonly gpu: GPU;
  readonly driver: VulkanDriver;
  readonly adapter: AdapterDescription;
}

/** Tries the drivers: the first hardware adapter, else the last emulated one. */
async function findGpu({ describeAdapter }: typeof import("@thaw/webgpu-kernels")): Promise<FoundGpu> {
  const surroundings = vulkanSurroundings();
  const drivers = vulkanDrivers(surroundings);
  const loader = surroundings.platform === "linux" ? loadVulkanLoader(surroundings) : "system";
  let found: FoundGpu | undefined;
  for (const driver of drivers) {
    selectDriver(driver);
    const gpu = create(FINE_TIMESTAMPS);
    const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
    if (adapter === null) continue;
    found = { gpu, driver, adapter: describeAdapter(adapter) };
    if (!found.adapter.software) break;
  }
  if (found !== undefined) return found;
  const what =
    loader === null
      ? "There is no Vulkan loader (libvulkan.so.1)."
      : `No Vulkan driver gave a WebGPU adapter; tried: ${drivers.map(({ source, manifest }) => manifest ?? source).join(", ")}.`;
  throw new ThawError("webgpu-unavailable", what, {
    hint: "Install a driver for the GPU, or a Chromium (npm run setup), whose emulator serves too; THAW_VULKAN_ICD names a driver.",
  });
}

/**
 * Opens Dawn with the best driver there is and makes it tfjs's backend. Once a process, on its main thread; close it
 * before another is opened.
 * @throws ThawError `webgpu-unavailable`, `software-adapter`, `vulkan-driver-missing`, `dawn-thread`
 */
export async function openDawn(options: { readonly requireHardware: boolean }): Promise<DawnEngine> {
  const library = await importKernels();
  const { gpu, driver } = await findGpu(library);
  exposeGpu(gpu);
  const engine = await library.openWebgpu(gpu, options);
  const { version } = createRequire(import.meta.url)("webgpu/package.json") as { version: string };
  return {
    ...engine,
    driver,
    version,
    adapterInfo: library.adapterInfo(engine.adapter),
    kernels: (plain) => library.webgpuKernels(engine.tf, engine.backend, { plain }),
    deviceTimer: () => library.deviceTimer(engine.tf, engine.backend),
  };
}

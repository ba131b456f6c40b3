import { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
import { type Tfjs, ThawError } from "@thaw/core";
import { type AdapterDescription, findAdapter, limitsOf } from "./adapter.ts";
import { commandsOf } from "./commands.ts";

/** tfjs on a WebGPU device of ours. */
export interface WebgpuEngine {
  readonly tf: Tfjs;
  readonly backend: WebGPUBackend;
  readonly device: GPUDevice;
  readonly adapter: AdapterDescription;
  /** Rejects when the device is lost or reports an error that nobody caught; never resolves. */
  readonly failure: Promise<never>;
  /** Hands everything recorded so far to the device and waits until it is done. */
  synchronize(): Promise<void>;
  /** Programs handed to the device so far, our own and tfjs's. */
  dispatches(): number;
  /** Frees the device. */
  close(): void;
}

/** Features that speed or profiling can use. */
const WANTED_FEATURES: readonly string[] = ["timestamp-query", "subgroups", "shader-f16"];

/** Errors of the device as a promise that rejects once: a lost device and an uncaught error would else pass unseen. */
function failureOf(device: GPUDevice): { readonly failure: Promise<never>; readonly expectClose: () => void } {
  let closing = false;
  const failure = new Promise<never>((_, reject) => {
    device.addEventListener("uncapturederror", (event) => {
      const kind = event.error.constructor.name;
      reject(
        new ThawError(
          kind === "GPUOutOfMemoryError" ? "gpu-out-of-memory" : "gpu-error",
          `WebGPU: ${event.error.message}`,
          {
            hint: "Use a smaller batchSize or imageSize if it is about memory or a limit; else report it with this text.",
          },
        ),
      );
    });
    void device.lost.then(({ reason, message }) => {
      if (closing) return;
      reject(
        new ThawError("gpu-lost", `The WebGPU device was lost (${reason}): ${message || "no message"}`, {
          hint: "The GPU process or driver crashed or was reset; run it again, with a smaller batchSize if it recurs.",
        }),
      );
    });
  });
  failure.catch(() => undefined); // seen by whoever races against it
  return {
    failure,
    expectClose: () => {
      closing = true;
    },
  };
}

/** On webgpu a synchronous read gives zeros without a word: an error instead. */
function forbidSynchronousReads(backend: WebGPUBackend): void {
  const { tensorMap } = backend;
  const readSync = backend.readSync.bind(backend);
  backend.readSync = (dataId) => {
    // What the host wrote is still there; only what the device computed cannot be had at once.
    if (tensorMap.get(dataId)?.values != null) return readSync(dataId);
    throw new ThawError("internal", "A tensor on WebGPU was read synchronously.", { hint: "Await `download`." });
  };
}

/**
 * Opens a device with all that the adapter allows and makes tfjs's `webgpu` backend run on it. Once a process or page.
 * @param gpu `navigator.gpu`, or what stands for it
 * @throws ThawError `webgpu-unavailable`, `software-adapter`
 */
export async function openWebgpu(gpu: GPU, options: { readonly requireHardware: boolean }): Promise<WebgpuEngine> {
  const { adapter, description } = await findAdapter(gpu, options.requireHardware);
  const device = await adapter.requestDevice({
    requiredLimits: limitsOf(adapter.limits),
    requiredFeatures: WANTED_FEATURES.filter((name) => adapter.features.has(name)) as GPUFeatureName[],
  });
  const { failure, expectClose } = failureOf(device);
  const backend = new WebGPUBackend(device, adapter.info);
  forbidSynchronousReads(backend);
  tf.env().set("WEBGPU_CPU_FORWARD", false); // small tensors would silently be computed on the processor
  if (tf.findBackendFactory("webgpu") !== null) tf.removeBackend("webgpu"); // tfjs's own asks for another device
  tf.registerBackend("webgpu", () => backend);
  if (!(await tf.setBackend("webgpu"))) throw new ThawError("webgpu-unavailable", "tfjs did not take the device.");
  return {
    tf,
    backend,
    device,
    adapter: description,
    failure,
    dispatches() {
      const { own, tfjs } = commandsOf(tf, backend).counts();
      return own + tfjs;
    },
    async synchronize() {
      const { commandEncoder } = backend as unknown as { readonly commandEncoder: GPUCommandEncoder | null };
      backend.endComputePassEncoder();
      if (commandEncoder !== null) backend.submitQueue();
      await device.queue.onSubmittedWorkDone();
    },
    close() {
      expectClose();
      tf.removeBackend("webgpu");
      device.destroy();
    },
  };
}

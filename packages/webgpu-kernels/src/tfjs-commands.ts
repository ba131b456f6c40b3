import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";

/**
 * The parts of tfjs's WebGPU backend that own programs need to take part in its command stream. They are private in its
 * types because tfjs itself runs one program at a time with one output each; version 4.22 has them at run time, and
 * {@link backendInternals} looks.
 */
export interface BackendInternals {
  /** What is recorded but not yet handed to the device; null between submissions. */
  commandEncoder: GPUCommandEncoder | null;
  /** The open compute pass that tfjs's next program would go on with. */
  computePassEncoder: GPUComputePassEncoder | null;
  /** Dispatches since the last submission: tfjs submits when there are enough. */
  dispatchCountInPass: number;
  /** Data of recorded commands: freed by `submitQueue`, not by `disposeData`. */
  readonly commandQueueOwnedIds: WeakSet<object>;
  /** Uniform buffers of recorded commands, given back by `submitQueue`. */
  readonly uniformPendingDisposal: GPUBuffer[];
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
  /** Records a program of tfjs's own; wrapped to count dispatches. */
  recordAndSubmit(...inputs: unknown[]): void;
}

/** The backend with its private members. */
export function backendInternals(backend: WebGPUBackend): BackendInternals {
  const internals = backend as unknown as BackendInternals;
  const wanted = ["ensureCommandEncoderReady", "endComputePassEncoder", "submitQueue", "recordAndSubmit"] as const;
  const missing = wanted.filter((name) => typeof internals[name] !== "function");
  if (missing.length > 0) throw new TypeError(`tfjs's WebGPU backend has no ${missing.join(", ")}`);
  return internals;
}

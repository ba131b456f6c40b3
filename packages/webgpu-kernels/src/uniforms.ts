import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { ThawError } from "@thaw/core";
import type { Program } from "./program.ts";
import type { BackendInternals } from "./tfjs-commands.ts";

/** Uniform buffers by content. */
export interface UniformCache {
  /**
   * @param changing content that will not come again: a buffer that tfjs takes back after the submission
   * @returns undefined for a program without uniforms
   */
  get(program: Program, values: Readonly<Record<string, number>>, changing: boolean): GPUBuffer | undefined;
}

function pack({ name, uniforms }: Program, values: Readonly<Record<string, number>>): ArrayBuffer {
  const members = Object.entries(uniforms);
  // Binding sizes are multiples of 16 bytes.
  const bytes = new ArrayBuffer(Math.ceil(members.length / 4) * 16);
  const view = new DataView(bytes);
  for (const [index, [member, type]] of members.entries()) {
    const value = values[member];
    if (value === undefined) throw new ThawError("internal", `${name} has no ${member}.`);
    if (type === "f32") view.setFloat32(index * 4, value, true);
    else view.setInt32(index * 4, value, true);
  }
  return bytes;
}

/** Keeps a buffer for each content: the sizes of a network's layers, a few hundred times 16 to 64 bytes. */
export function uniformCache(device: GPUDevice, backend: WebGPUBackend, internals: BackendInternals): UniformCache {
  const kept = new Map<Program, Map<string, GPUBuffer>>();
  return {
    get(program, values, changing) {
      if (Object.keys(program.uniforms).length === 0) return undefined;
      if (changing) {
        const bytes = pack(program, values);
        const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
        const buffer = backend.bufferManager.acquireBuffer(bytes.byteLength, usage);
        device.queue.writeBuffer(buffer, 0, bytes);
        internals.uniformPendingDisposal.push(buffer);
        return buffer;
      }
      const ofProgram = kept.get(program) ?? new Map<string, GPUBuffer>();
      kept.set(program, ofProgram);
      const key = Object.keys(program.uniforms)
        .map((member) => values[member])
        .join();
      const known = ofProgram.get(key);
      if (known !== undefined) return known;
      const bytes = pack(program, values);
      const buffer = device.createBuffer({
        size: bytes.byteLength,
        usage: GPUBufferUsage.UNIFORM,
        mappedAtCreation: true,
      });
      new Uint8Array(buffer.getMappedRange()).set(new Uint8Array(bytes));
      buffer.unmap();
      ofProgram.set(key, buffer);
      return buffer;
    },
  };
}

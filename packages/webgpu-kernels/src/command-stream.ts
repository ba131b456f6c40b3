import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { DataType, Tensor, TensorInfo } from "@tensorflow/tfjs-core";
import { type Tfjs, ThawError } from "@thaw/core";
import { packParams, type Shader, wgslOf } from "./shader.ts";

/**
 * What tfjs's backend keeps to itself and our dispatches must share with it: they go into its command encoder, and its
 * books say which buffers must not be reused before they are submitted (tfjs-backend-webgpu 4.22, backend_webgpu.ts).
 */
interface BackendInternals {
  readonly commandEncoder: GPUCommandEncoder | null;
  computePassEncoder: GPUComputePassEncoder | null;
  dispatchCountInPass: number;
  readonly commandQueueOwnedIds: WeakSet<object>;
  readonly uniformPendingDisposal: GPUBuffer[];
}

/** One dispatch of a shader. */
export interface Dispatch {
  /** Tensors in the order of the shader's bindings, outputs from {@link CommandStream.output}. */
  readonly tensors: readonly TensorInfo[];
  readonly params: readonly number[];
  /** How many threads have work; more are started and must find none. */
  readonly threads: number;
  /** The parameters change with every step: do not keep them. */
  readonly volatile?: boolean;
}

/** One copy within the device: sizes and offsets in elements of 4 bytes. */
export interface Copy {
  readonly from: TensorInfo;
  readonly fromOffset: number;
  readonly to: TensorInfo;
  readonly toOffset: number;
  readonly size: number;
}

/** Runs shaders of ours among tfjs's own, on tensors of its backend. */
export interface CommandStream {
  /** A new tensor with undefined content. */
  output(shape: readonly number[], dtype?: DataType): Tensor;
  /** The same data under another shape; the given tensor is disposed of. */
  reshaped(tensor: Tensor, shape: readonly number[]): Tensor;
  run(shader: Shader, dispatch: Dispatch): void;
  copy(copies: readonly Copy[]): void;
  /** Marks a tensor as changed on the device: tfjs keeps what it once downloaded. */
  changed(tensor: TensorInfo): void;
  /** Largest count of workgroups in one dimension. */
  readonly maxGroups: number;
  readonly counts: { dispatches: number; copies: number };
  /** Number of pipelines that were compiled. */
  readonly pipelineCount: () => number;
}

interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** Pipelines belong to a device: cells that share it compile nothing twice. */
const pipelinesOf = new WeakMap<GPUDevice, Map<string, Pipeline>>();

/** tfjs's own default of 15 submits a step of ours forty times; a GPU should get work early all the same. */
const DISPATCHES_A_SUBMIT = 64;

function compile(device: GPUDevice, shader: Shader): Pipeline {
  const entries: GPUBindGroupLayoutEntry[] = shader.bindings.map(({ access }, binding) => ({
    binding,
    visibility: GPUShaderStage.COMPUTE,
    buffer: { type: access === "read" ? "read-only-storage" : "storage" },
  }));
  entries.push({ binding: entries.length, visibility: GPUShaderStage.COMPUTE, buffer: { type: "uniform" } });
  const layout = device.createBindGroupLayout({ entries });
  const module = device.createShaderModule({ label: shader.key, code: wgslOf(shader) });
  const pipeline = device.createComputePipeline({
    label: shader.key,
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module, entryPoint: "main" },
  });
  return { pipeline, layout };
}

/** Makes the stream of a backend. */
export function commandStream(tf: Tfjs, backend: WebGPUBackend): CommandStream {
  const { device } = backend;
  const internals = backend as unknown as BackendInternals;
  const pipelines = pipelinesOf.get(device) ?? new Map<string, Pipeline>();
  pipelinesOf.set(device, pipelines);
  const uniforms = new Map<string, GPUBuffer>();
  const counts = { dispatches: 0, copies: 0 };
  const maxGroups = device.limits.maxComputeWorkgroupsPerDimension;

  function pipelineOf(shader: Shader): Pipeline {
    const found = pipelines.get(shader.key);
    if (found !== undefined) return found;
    const made = compile(device, shader);
    pipelines.set(shader.key, made);
    return made;
  }

  /** A uniform that is the same in every step is written once and kept. */
  function uniformOf(shader: Shader, { params, volatile = false }: Dispatch): GPUBuffer {
    const words = packParams(shader, params);
    if (volatile) {
      const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
      const buffer = backend.bufferManager.acquireBuffer(words.byteLength, usage) as GPUBuffer;
      backend.queue.writeBuffer(buffer, 0, words);
      internals.uniformPendingDisposal.push(buffer); // not written again before this is submitted
      return buffer;
    }
    const key = new Uint32Array(words).join();
    const kept = uniforms.get(key);
    if (kept !== undefined) return kept;
    const buffer = device.createBuffer({
      size: words.byteLength,
      usage: GPUBufferUsage.UNIFORM,
      mappedAtCreation: true,
    });
    new Uint8Array(buffer.getMappedRange()).set(new Uint8Array(words));
    buffer.unmap();
    uniforms.set(key, buffer);
    return buffer;
  }

  function bufferOf(tensor: TensorInfo): GPUBuffer {
    backend.uploadToGPU(tensor.dataId);
    const resource = backend.tensorMap.get(tensor.dataId)?.resource;
    if (!(resource instanceof GPUBuffer)) throw new ThawError("internal", "A tensor has no buffer on the device.");
    internals.commandQueueOwnedIds.add(tensor.dataId);
    return resource;
  }

  return {
    maxGroups,
    counts,
    pipelineCount: () => pipelines.size,
    output(shape, dtype = "float32") {
      const info = backend.makeTensorInfo([...shape], dtype);
      return tf.engine().makeTensorFromTensorInfo(info);
    },
    reshaped(tensor, shape) {
      const result = tf.reshape(tensor, [...shape]);
      tensor.dispose();
      return result;
    },
    run(shader, dispatch) {
      const { pipeline, layout } = pipelineOf(shader);
      // Before the pass is opened: an upload may have to copy, which ends a pass.
      const buffers = dispatch.tensors.map(bufferOf);
      buffers.push(uniformOf(shader, dispatch));
      const bindGroup = device.createBindGroup({
        layout,
        entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
      });
      backend.ensureCommandEncoderReady();
      const { commandEncoder } = internals;
      if (commandEncoder === null) throw new ThawError("internal", "tfjs's backend made no command encoder.");
      internals.computePassEncoder ??= commandEncoder.beginComputePass();
      const pass = internals.computePassEncoder;
      const groups = Math.ceil(dispatch.threads / shader.workgroupSize);
      const rows = Math.ceil(groups / maxGroups);
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(Math.ceil(groups / rows), rows);
      counts.dispatches += 1;
      internals.dispatchCountInPass += 1;
      if (internals.dispatchCountInPass >= DISPATCHES_A_SUBMIT) {
        backend.endComputePassEncoder();
        backend.submitQueue();
      }
    },
    copy(copies) {
      const pairs = copies.map((copy) => ({ ...copy, source: bufferOf(copy.from), target: bufferOf(copy.to) }));
      backend.ensureCommandEncoderReady();
      backend.endComputePassEncoder();
      const { commandEncoder } = internals;
      if (commandEncoder === null) throw new ThawError("internal", "tfjs's backend made no command encoder.");
      for (const { source, fromOffset, target, toOffset, size } of pairs) {
        commandEncoder.copyBufferToBuffer(source, fromOffset * 4, target, toOffset * 4, size * 4);
      }
      counts.copies += copies.length;
    },
    changed(tensor) {
      const data = backend.tensorMap.get(tensor.dataId);
      if (data !== undefined) Object.assign(data, { values: null });
    },
  };
}

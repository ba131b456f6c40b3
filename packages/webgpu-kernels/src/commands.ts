import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { Tensor } from "@tensorflow/tfjs-core";
import { sizeOf, type Tfjs, ThawError } from "@thaw/core";
import { pipelineCache } from "./pipelines.ts";
import type { Program } from "./program.ts";
import { type BackendInternals, backendInternals } from "./tfjs-commands.ts";
import { uniformCache } from "./uniforms.ts";

/** Workgroups in x, y and z. */
export type Groups = readonly [x: number, y?: number, z?: number];

/** Times the dispatches of a program, in a profile; see `GPUComputePassDescriptor`. */
export type PassTimestamps = (programName: string) => GPUComputePassTimestampWrites | undefined;

/** How a program is run. */
export interface RunOptions {
  /** The uniforms change from step to step: not worth keeping on the device. */
  readonly changingUniforms?: boolean;
}

/** What has run on a backend so far. */
export interface DispatchCounts {
  /** Dispatches of our own programs. */
  readonly own: number;
  /** Dispatches of tfjs's programs. */
  readonly tfjs: number;
  /** Pipelines compiled for our own programs. */
  readonly pipelines: number;
}

/** Runs own programs in the command stream of tfjs's WebGPU backend, on tfjs's tensors. */
export interface Commands {
  /** A float32 tensor whose content is up to the next program. */
  make(shape: readonly number[]): Tensor;
  /** The successor of a tensor in the same memory where nothing else reads it, else in a copy; frees the tensor. */
  takeOver(tensor: Tensor): Tensor;
  run<R extends string, W extends string, U extends string>(
    program: Program<R, W, U>,
    reads: Readonly<Record<NoInfer<R>, Tensor>>,
    writes: Readonly<Record<NoInfer<W>, Tensor>>,
    uniforms: Readonly<Record<NoInfer<U>, number>>,
    groups: Groups,
    options?: RunOptions,
  ): void;
  counts(): DispatchCounts;
  /** Gives each dispatch of ours a pass of its own with timestamps; undefined ends it. */
  profile(timestamps: PassTimestamps | undefined): void;
}

/** Twice tfjs's own default: a submission costs the host more than a dispatch, yet the device should start early. */
const DISPATCHES_A_SUBMIT = 32;

/** Wraps tfjs's way of recording a program, so that its dispatches are counted too. */
function countTfjs(internals: BackendInternals): () => number {
  let count = 0;
  const record = internals.recordAndSubmit.bind(internals);
  internals.recordAndSubmit = (...inputs) => {
    count += 1;
    record(...inputs);
  };
  return () => count;
}

function openCommands(tf: Tfjs, backend: WebGPUBackend): Commands {
  const { device } = backend;
  const internals = backendInternals(backend);
  const tfjsCount = countTfjs(internals);
  const pipelines = pipelineCache(device);
  const uniformBuffers = uniformCache(device, backend, internals);
  const limit = device.limits.maxComputeWorkgroupsPerDimension;
  let own = 0;
  let timestamps: PassTimestamps | undefined;

  /** The buffer of a tensor, and word to tfjs that recorded commands use it. */
  function bufferOf({ dataId }: Tensor): GPUBuffer {
    backend.uploadToGPU(dataId);
    internals.commandQueueOwnedIds.add(dataId);
    return backend.tensorMap.get(dataId).resource as GPUBuffer;
  }

  function openPass(name: string): GPUComputePassEncoder {
    const writes = timestamps?.(name);
    if (writes !== undefined) internals.endComputePassEncoder();
    internals.ensureCommandEncoderReady();
    const { commandEncoder, computePassEncoder } = internals;
    if (computePassEncoder !== null && computePassEncoder !== undefined) return computePassEncoder;
    if (commandEncoder === null) throw new ThawError("internal", "tfjs's WebGPU backend has no command encoder.");
    const pass = commandEncoder.beginComputePass(writes === undefined ? {} : { timestampWrites: writes });
    internals.computePassEncoder = pass;
    return pass;
  }

  function make(shape: readonly number[]): Tensor {
    const info = backend.makeTensorInfo([...shape], "float32");
    return tf.engine().makeTensorFromTensorInfo(info, backend);
  }

  return {
    make,

    takeOver(tensor) {
      const successor = make(tensor.shape);
      const buffer = bufferOf(tensor);
      if (backend.refCount(tensor.dataId) === 1) {
        const data = backend.tensorMap.get(tensor.dataId);
        backend.tensorMap.get(successor.dataId).resource = buffer;
        // tfjs frees a tensor without a resource by forgetting it; its type has no word for that.
        delete (data as { resource?: unknown }).resource;
        internals.commandQueueOwnedIds.add(successor.dataId);
      } else {
        const copy = bufferOf(successor);
        internals.endComputePassEncoder();
        internals.ensureCommandEncoderReady();
        internals.commandEncoder?.copyBufferToBuffer(buffer, 0, copy, 0, sizeOf(tensor.shape) * 4);
      }
      tensor.dispose();
      return successor;
    },

    run(program, reads, writes, uniforms, groups, options = {}) {
      const [x, y = 1, z = 1] = groups;
      if (Math.max(x, y, z) > limit) {
        throw new ThawError(
          "internal",
          `${program.name} wants [${groups.join(", ")}] workgroups, ${limit} are allowed.`,
        );
      }
      const { pipeline, layout } = pipelines.get(program);
      const tensors: Readonly<Record<string, Tensor>> = { ...reads, ...writes };
      const names = [...Object.keys(program.reads), ...Object.keys(program.writes)];
      const entries = names.map((name, binding): GPUBindGroupEntry => {
        const tensor = tensors[name];
        if (tensor === undefined) throw new ThawError("internal", `${program.name} has no ${name}.`);
        return { binding, resource: { buffer: bufferOf(tensor) } };
      });
      const values = uniformBuffers.get(program, uniforms, options.changingUniforms === true);
      if (values !== undefined) entries.push({ binding: entries.length, resource: { buffer: values } });
      const group = device.createBindGroup({ layout, entries });
      const pass = openPass(program.name);
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(x, y, z);
      own += 1;
      internals.dispatchCountInPass += 1;
      if (timestamps !== undefined) internals.endComputePassEncoder();
      if (internals.dispatchCountInPass >= DISPATCHES_A_SUBMIT) {
        internals.endComputePassEncoder();
        internals.submitQueue();
      }
    },

    counts: () => ({ own, tfjs: tfjsCount(), pipelines: pipelines.size() }),

    profile(next) {
      timestamps = next;
    },
  };
}

const opened = new WeakMap<WebGPUBackend, Commands>();

/** The commands of a backend: one object a backend, so that kernel sets share pipelines and counts. */
export function commandsOf(tf: Tfjs, backend: WebGPUBackend): Commands {
  const known = opened.get(backend);
  if (known !== undefined) return known;
  const commands = openCommands(tf, backend);
  opened.set(backend, commands);
  return commands;
}

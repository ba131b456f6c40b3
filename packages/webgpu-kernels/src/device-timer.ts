import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { DeviceTimer, Tfjs } from "@thaw/core";
import { commandsOf } from "./commands.ts";
import { backendInternals } from "./tfjs-commands.ts";

/** Timestamps in a query set, the most that WebGPU allows; a dispatch takes two. */
const SET_SIZE = 4096;
const TIMESTAMP_BYTES = 8;
const NANOSECONDS = 1e6;

/** Reads the timestamps of a set and frees it. */
async function readSet(device: GPUDevice, set: GPUQuerySet, count: number): Promise<BigUint64Array> {
  const size = count * TIMESTAMP_BYTES;
  const resolved = device.createBuffer({ size, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
  const readable = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.resolveQuerySet(set, 0, count, resolved, 0);
  encoder.copyBufferToBuffer(resolved, 0, readable, 0, size);
  device.queue.submit([encoder.finish()]);
  await readable.mapAsync(GPUMapMode.READ);
  const values = new BigUint64Array(readable.getMappedRange().slice(0));
  for (const resource of [set, resolved, readable]) resource.destroy();
  return values;
}

/**
 * Times our own dispatches by the device's clock, each in a pass of its own, which costs what passes next to each other
 * would share. tfjs's programs are not timed.
 * @returns undefined where the device has no timestamps
 */
export function deviceTimer(tf: Tfjs, backend: WebGPUBackend): DeviceTimer | undefined {
  const { device } = backend;
  if (!device.features.has("timestamp-query")) return undefined;
  const commands = commandsOf(tf, backend);
  const internals = backendInternals(backend);
  let sets: GPUQuerySet[] = [];
  let used = 0;
  return {
    start() {
      used = 0;
      commands.profile(() => {
        const at = used % SET_SIZE;
        if (at === 0) sets.push(device.createQuerySet({ type: "timestamp", count: SET_SIZE }));
        const querySet = sets.at(-1);
        used += 2;
        return querySet && { querySet, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 };
      });
    },
    count: () => used / 2,
    async stop() {
      commands.profile(undefined);
      internals.endComputePassEncoder();
      if (internals.commandEncoder !== null) internals.submitQueue(); // what is recorded writes to the sets
      const times: number[] = [];
      for (const [index, set] of sets.entries()) {
        const values = await readSet(device, set, Math.min(SET_SIZE, used - index * SET_SIZE));
        for (let at = 0; at + 1 < values.length; at += 2) {
          // A driver may set its clock back; what it says then is nothing.
          times.push(Math.max(0, Number((values[at + 1] ?? 0n) - (values[at] ?? 0n)) / NANOSECONDS));
        }
      }
      sets = [];
      return times;
    },
  };
}
